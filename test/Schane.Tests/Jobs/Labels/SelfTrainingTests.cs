using Schane.Data.Dividing;
using Schane.Jobs;
using Schane.Jobs.Studies;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Support;
using Schane.Training;

namespace Schane.Tests.Jobs.Labels;

[Trait("Long", "1")]
public sealed class SelfTrainingTests : IDisposable
{
    private readonly Photos photos = new(("blue", 12), ("red", 12));

    public void Dispose() => photos.Dispose();

    private Recipe Short => new()
    {
        Data = photos.Data, Unlabelled = Place("new"), Model = "schane_tiny", Weights = EmbeddedWeights.Name, Loss = new SchaneLoss(),
        InputSize = 32, Steps = 30, LearningRate = 2e-3, ClassesPerBatch = 2, ImagesPerClass = 4, Threads = 1,
        Precision = Precision.Float32, EvaluateEvery = 100, NoThumbnails = true,
    };

    [Fact]
    public void What_the_first_run_is_sure_of_gets_its_label_and_the_run_learns_from_both()
    {
        var expected = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            New($"{i}.png", red: i % 2 == 0, shade: 11 + 3 * i);
            expected.Add($"{i}.png,{(i % 2 == 0 ? "red" : "blue")}");
        }
        New("deep/8.png", red: true, shade: 41);
        expected.Add("deep/8.png,red");
        New("copy of 0.png", red: true, shade: 11);
        File.WriteAllBytes(Path.Combine(Place("new"), "broken.png"), [1, 2, 3]);
        foreach (var folder in Directory.GetDirectories(photos.Data))     // whatever part each is in
            File.Copy(Path.Combine(folder, "3.png"), Path.Combine(Place("new"), $"known {Path.GetFileName(folder)}.png"));

        var (said, recipe) = (new List<string>(), Short);
        var (run, results) = TrainJob.Run(recipe, new() { Folder = photos.Run, Progress = new Heard(said) });
        var listed = File.ReadAllLines(run.PseudoLabels);
        Assert.Equal("path,label,confidence", listed[0]);
        var given = listed[1..].Select(line => line[..line.LastIndexOf(',')]).ToList();
        // Of a picture and its copy the first by name has the label.
        Assert.Subset(new HashSet<string>([.. expected, "copy of 0.png,red"]), new HashSet<string>(given));
        Assert.True(given.Count >= 5, string.Join('\n', given));
        Assert.Contains(said, sentence => sentence.StartsWith($"{given.Count} of 13 images without a label get one: those with a conf",
            StringComparison.Ordinal) && sentence.EndsWith("2 are labelled already, 1 are copies of others, 1 can't be read, and left out.",
            StringComparison.Ordinal));

        var alone = DataSetup.Open(recipe with { Unlabelled = null }, null, SavedRun.SplitsOf(run));
        var both = Learnt(SavedRun.RecipeOf(run), SavedRun.SplitsOf(run));
        Assert.Equal(alone.Train.Count + given.Count, both.Train.Count);
        Assert.Equal(alone.Test!.Count, results.Images);                  // measured on labels that people gave
        Assert.Equal(given, Enumerable.Range(alone.Train.Count, given.Count)
            .Select(i => $"{both.Train.NameOf(i)},{both.Train.Classes[both.Train.LabelOf(i)]}"));
        Assert.Equal(alone.Train.Count, EmbeddingsOf(Path.Combine(run.EarlierStages, "labelled")));
        Assert.Equal(both.Train.Count, EmbeddingsOf(run.Root));
        Assert.DoesNotContain(photos.Root, File.ReadAllText(run.Recipe));
        Directory.Delete(Place("new"), recursive: true);                  // training alone needs the images
        Assert.Equal(results.Metrics, EvaluateJob.Run(run.Root).Metrics);
    }

    [Theory]
    [InlineData(4, "Interrupted in the first run")]
    [InlineData(34, "Interrupted at step 4 of 30")]
    [Trait("Slow", "1")]
    public void A_run_that_is_stopped_in_either_half_goes_on_to_the_weights_of_one_that_is_not(int step, string message)
    {
        for (var i = 0; i < 8; i++)
            New($"{i}.png", red: i % 2 == 0, shade: 11 + 3 * i);
        var recipe = Short with { PseudoPrecision = 0.5 };
        var (whole, _) = TrainJob.Run(recipe, new() { Folder = Place("whole") });
        using var stop = new CancellationTokenSource();
        var stopped = Assert.Throws<OperationCanceledException>(() =>
            TrainJob.Run(recipe, new() { Folder = photos.Run, Progress = new Stopper(step, stop) }, stop.Token));
        Assert.StartsWith(message, stopped.Message);
        Assert.Contains($"--resume {photos.Run}`", stopped.Message);
        var (run, _) = TrainJob.Resume(photos.Run);
        Assert.Equal(File.ReadAllBytes(whole.PseudoLabels), File.ReadAllBytes(run.PseudoLabels));
        Assert.Equal(File.ReadAllBytes(whole.Model), File.ReadAllBytes(run.Model));
    }

    [Fact]
    public void Where_nothing_is_sure_enough_no_image_gets_a_label_and_it_is_said()
    {
        using var alike = new Photos();
        foreach (var name in (string[])["one", "other"])
            for (var i = 0; i < 8; i++)
                alike.Write($"{name}/{i}.png", Pictures.Flat(40, 40, 60, 61, 62));     // nobody can tell the classes
        New("0.png", red: true, shade: 11);
        var said = new List<string>();
        var (run, _) = TrainJob.Run(Short with { Data = alike.Data, Steps = 2 },
            new() { Folder = photos.Run, Progress = new Heard(said) });
        Assert.Equal(["path,label,confidence"], File.ReadAllLines(run.PseudoLabels));
        Assert.Contains(said, s => s.StartsWith("No confidence gives labels of which 80% are right", StringComparison.Ordinal));
        Assert.True(File.Exists(run.Results));
    }

    [Fact]
    public void What_can_not_be_is_refused_in_a_sentence_and_leaves_nothing()
    {
        New("0.png", red: true, shade: 60);
        Refused(Short with { Unlabelled = Place("nowhere") }, "There is no folder");
        Refused(Short with { Unlabelled = Directory.CreateDirectory(Place("empty")).FullName }, "holds no image");
        Refused(Short with { NoRefit = false }, "leave out no-refit: false");
        Refused(Short with { Lambda = 1 }, "lambda 1 trains no classifier");
        string Listed(string text)
        {
            File.WriteAllText(Place("list.csv"), $"path,label\n{text}");
            return Place("list.csv");
        }
        var aside = Short with { NoRefit = true };
        Refused(aside with { PseudoLabels = Listed("0.png,red\n"), Unlabelled = null }, "name their folder with unlabelled");
        Refused(aside with { PseudoLabels = Listed("0.png,green\n") }, "line 2: 'green' is not among the 2 classes");
        Refused(aside with { PseudoLabels = Listed("1.png,red\n") }, "line 2: there is no image '1.png'");
        Refused(aside with { PseudoLabels = Listed("../photos/red/0.png,red\n") }, "line 2: there is no image '../photos/red/0.png'");
        Refused(aside with { Unlabelled = null, PseudoPrecision = 0.5 }, "pseudo-precision is of images without labels");
        Assert.Contains("Stages label no images", Assert.Throws<SchaneException>(() =>
            StagedTraining.Run([("one", Short), ("two", aside)], new() { Folder = Place("refused") })).Message);
        Refused(aside with { PseudoLabels = Listed("0.png,red\n0.png,blue\n") }, "line 3: '0.png' stands twice");
    }

    [Fact]
    public void A_list_of_labels_names_the_images_below_the_folder_with_the_classes_of_the_labelled_ones()
    {
        New("a.png", red: true, shade: 60);
        New("deep/b.png", red: false, shade: 61);
        var list = Place("list.csv");
        PseudoLabels.Save(list, [("deep/b.png", "blue", 0.51234), ("a.png", "red", 1)]);
        Assert.Equal("path,label,confidence\ndeep/b.png,blue,0.5123\na.png,red,1\n", File.ReadAllText(list));
        var train = Learnt(Short with { PseudoLabels = list, NoRefit = true }).Train;
        Assert.Equal(["deep/b.png blue", "a.png red"], Enumerable.Range(train.Count - 2, 2)
            .Select(i => $"{train.NameOf(i)} {train.Classes[train.LabelOf(i)]}"));
        Assert.Equal([60, 61, 200], train.Read(train.Count - 2).Pixels[..3]);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_sweep_tries_it_as_an_arm_like_any_other()
    {
        for (var i = 0; i < 8; i++)
            New($"{i}.png", red: i % 2 == 0, shade: 11 + 3 * i);
        var trial = Place("trial");
        var planned = new PlannedRun(trial, Short with { Steps = 10 }, "one", RunView.Trial);
        var results = planned.Make(null, null, new Heard([]), default)!;
        Assert.Equal("val", results.Part);
        Assert.True(File.Exists(RunFolder.Open(trial).PseudoLabels));
        Assert.Equal(results.Metrics, planned.Make(null, null, new Heard([]), default)!.Metrics);
    }

    private static DataSetup Learnt(Recipe recipe, Splits? splits = null) =>
        DataSetup.Open(recipe, null, splits).WithPseudoLabels(recipe, null);

    private static int EmbeddingsOf(string run) =>
        Schane.Evaluation.Embeddings.EmbeddedImages.Load(RunFolder.Open(run).Embeddings).Part("train")!.Embeddings.Count;

    private void Refused(Recipe recipe, string sentence)
    {
        Assert.Contains(sentence, Assert.Throws<SchaneException>(() => TrainJob.Run(recipe, new() { Folder = Place("refused") })).Message);
        Assert.False(Directory.Exists(Place("refused")));
    }

    private void New(string name, bool red, int shade) =>
        photos.Write($"../new/{name}", red ? Pictures.Flat(40, 40, 150, (byte)shade, 110) : Pictures.Flat(40, 40, 60, (byte)shade, 200));

    private string Place(string name) => Path.Combine(photos.Root, name);

    /// <summary>Stops after so many steps of all runs together.</summary>
    private sealed class Stopper(int steps, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        private int seen;

        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Message: null, Loss: not null } && ++seen == steps)
                stop.Cancel();
        }
    }
}
