using Schane.Data;
using Schane.Jobs;
using Schane.Jobs.Labels;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tests.Cli;
using Schane.Tests.Data;

namespace Schane.Tests.Jobs.Labels;

[Trait("Long", "1")]
public sealed class LabelErrorsJobTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    [Trait("Slow", "1")]
    public void Flipped_labels_of_images_that_differ_in_colour_are_found_first_and_the_file_mends_the_next_training()
    {
        using var photos = new Photos(("blue", 30), ("red", 30));
        var flipped = Path.Combine(photos.Data, "blue", "flipped.png");
        File.Move(Path.Combine(photos.Data, "red", "3.png"), flipped);
        var before = photos.Fingerprint();
        var recipe = new Recipe
        {
            Data = photos.Data, NoRefit = true, Weights = EmbeddedWeights.Name, InputSize = 32, Loss = new SchaneLoss(), Steps = 15,
            ClassesPerBatch = 2, ImagesPerClass = 8, Threads = 1, Precision = Precision.Float32, EvaluateEvery = 100
        };
        recipe = recipe with
        {
            Seed = Enumerable.Range(0, 20)
                .First(seed => Place(DataSetup.Open(recipe with { Seed = seed }, null).Train, "blue/flipped.png") >= 0),
        };
        TrainJob.Run(recipe, new() { Folder = At("run") });
        var images = DataSetup.Open(recipe, null).Train;

        var found = LabelErrorsJob.Run(At("run"), folds: 3);
        Assert.Equal(images.Count, found.Judged);
        Assert.Equal(new LabelErrorCandidate("blue/flipped.png", "blue", "red", found.Candidates[0].Score, 1), found.Candidates[0]);
        var lines = File.ReadAllLines(At("run/label-errors.csv"));
        Assert.Equal("path,label,suggested,score,rank", lines[0]);
        Assert.StartsWith("blue/flipped.png,blue,red,", lines[1]);
        File.WriteAllLines(At("list.csv"), lines[..2]);

        var relabelled = DataSetup.Open(recipe with { Relabel = At("list.csv") }, null);
        Assert.Equal("red", relabelled.Train.Classes[relabelled.Train.LabelOf(Place(relabelled.Train, "blue/flipped.png"))]);
        Assert.Equal(-1, Place(DataSetup.Open(recipe with { Exclude = At("list.csv") }, null).Train, "blue/flipped.png"));
        // A run keeps the list, so that it goes on and is evaluated without the file; the images stay where they are.
        var (kept, results) = TrainJob.Run(recipe with { Relabel = At("list.csv") }, new() { Folder = At("mended") });
        File.Delete(At("list.csv"));
        Assert.Equal(results.Metrics, EvaluateJob.Run(kept.Root).Metrics);
        var train = DataSetup.Open(SavedRun.RecipeOf(kept), null, SavedRun.SplitsOf(kept)).Train;
        Assert.Equal("red", train.Classes[train.LabelOf(Place(train, "blue/flipped.png"))]);
        Assert.Equal(before, photos.Fingerprint());
    }

    [Fact]
    public void Lists_that_do_not_fit_the_data_are_refused_with_the_line()
    {
        using var photos = Photos.OfTwoClasses();
        var recipe = new Recipe { Data = photos.Data };
        string Refused(string exclude, string relabel)
        {
            File.WriteAllText(At("exclude.txt"), exclude);
            File.WriteAllText(At("relabel.csv"), relabel);
            var edited = recipe with
            {
                Exclude = exclude.Length > 0 ? At("exclude.txt") : null,
                Relabel = relabel.Length > 0 ? At("relabel.csv") : null,
            };
            return Assert.Throws<SchaneException>(() => DataSetup.Open(edited, null)).Message;
        }
        Assert.Contains("line 2: the data have no image 'red/99.png'", Refused("red/1.png\nred/99.png\n", ""));
        Assert.Contains("line 2: 'green' is not among the 2 classes", Refused("", "path,suggested\nred/1.png,green\n"));
        Assert.Contains("needs the columns path and suggested", Refused("", "file,class\nred/1.png,blue\n"));
        Assert.Contains("stands twice", Refused("red/1.png\nred/1.png\n", ""));
        Assert.Contains("keep one", Refused("red/1.png\n", "path,label\nred/1.png,blue\n"));
        Assert.Contains("There is no list", Assert.Throws<SchaneException>(() =>
            DataSetup.Open(recipe with { Exclude = At("none.txt") }, null)).Message);
        var all = Directory.GetFiles(photos.Data, "*.png", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(photos.Data, f));
        Assert.Contains("leave some", Refused(string.Join('\n', all), ""));
    }

    [Fact]
    public void What_the_lists_say_of_test_images_is_passed_over_and_said()
    {
        using var photos = Photos.OfTwoClasses();
        var recipe = new Recipe { Data = photos.Data };
        var test = DataSetup.Open(recipe, null).Test!;
        File.WriteAllText(At("exclude.txt"), test.NameOf(0) + "\n");
        var edited = DataSetup.Open(recipe with { Exclude = At("exclude.txt") }, null);
        Assert.Equal(test.Count, edited.Test!.Count);
        Assert.Contains("1 image of the lists is for the test", Assert.Single(edited.Warnings));
    }

    private static int Place(IImageDataset images, string name) =>
        Enumerable.Range(0, images.Count).FirstOrDefault(i => images.NameOf(i) == name, -1);

    private string At(string name) => Path.Combine(folder.Path, name);
}
