using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Schane.Inference;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Runs;
using Schane.Server;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Training;

namespace Schane.Tests.Jobs;

/// <summary>A run on images that show any of three colours: trained, measured, asked, exported, served.</summary>
[Trait("Long", "1")]
public sealed class LabelSetRunTests(LabelSetRunTests.Coloured run) : IClassFixture<LabelSetRunTests.Coloured>
{
    /// <summary>Twelve images of each of the seven sets, in a list, and a run on them.</summary>
    public sealed class Coloured : IDisposable
    {
        private static readonly string[] colours = ["blue", "green", "red"];
        private readonly TemporaryFolder folder = new();

        public Coloured()
        {
            List<string> lines = ["path,label"];
            for (var set = 1; set < 8; set++)
                for (var i = 0; i < 12; i++)
                {
                    byte Shade(int colour) => (byte)((set >> colour & 1) == 1 ? 245 - 3 * i : 5 + 2 * i);
                    folder.Write($"{set}-{i}.png", Pictures.Flat(40, 40, Shade(2), Shade(1), Shade(0)));
                    lines.Add($"{set}-{i}.png,{string.Join(';', colours.Where((_, c) => (set >> c & 1) == 1))}");
                }
            File.WriteAllLines(Path.Combine(folder.Path, "list.csv"), lines);
            Said = SchaneProgram.Run("train", "--data", List, "--out", Folder, "--weights", "none", "--input-size", "32", "--steps", "40",
                "--threads", "1", "--loss", "schane", "--lr", "0.003", "--augmentation", "none", "--evaluate-every", "20",
                "--no-refit").Done().Errors;
        }

        public string Said { get; }

        public string List => Path.Combine(folder.Path, "list.csv");

        public string Folder => Path.Combine(folder.Path, "run");

        public string File_(string name) => Path.Combine(folder.Path, name);

        public void Dispose() => folder.Dispose();
    }

    private static string Red(Coloured run) => run.File_("4-3.png");

    private static string Magenta(Coloured run) => run.File_("5-3.png");

    [Fact]
    public void Training_says_what_it_does_and_measures_each_class()
    {
        Assert.Contains("48 of 84 images have several classes ('3-0.png' first: 'blue', 'green')", run.Said);
        Assert.Contains("Batches are of any images (sampler shuffled)", run.Said);
        var recipe = File.ReadAllText(Path.Combine(run.Folder, "recipe.yaml"));
        Assert.Contains("multi-label: true", recipe);
        Assert.Contains("best-metric: map", recipe);

        var results = RunResults.Load(Path.Combine(run.Folder, "results.json"));
        Assert.Equal("map", results.Headline);
        Assert.InRange(results.Metrics["map"], 0.9, 1);
        Assert.InRange(results.Metrics["micro_f1"], 0.85, 1);
        Assert.Equal(["blue", "green", "red"], results.PerClass!.Select(c => c.Class));
        Assert.All(results.PerClass!, c => Assert.True(c is { Threshold: > 0 and < 1, ThresholdImages: > 0, F1: > 0.7 }));
        Assert.Null(results.Confusion);

        var page = File.ReadAllText(Path.Combine(run.Folder, "report.html"));
        Assert.Contains("The mean average precision over 3 classes is", page);
        Assert.Contains("Average precision", page);
        Assert.DoesNotContain("id=\"confusion\"", page);
    }

    [Fact]
    public void Evaluating_again_finds_the_same_and_names_other_classes()
    {
        var before = RunResults.Load(Path.Combine(run.Folder, "results.json"));
        var ended = SchaneProgram.Run("evaluate", run.Folder).Done();
        Assert.Contains(before.Metrics["map"].ToString("0.0000", CultureInfo.InvariantCulture), ended.Output);
        Assert.Contains("threshold", ended.Output);
        var other = run.File_("other.csv");
        File.WriteAllText(other, "path,label\n4-1.png,red;pink\n1-1.png,blue\n");
        Assert.Contains("Class 'pink' of other is not among the 3 classes",
            SchaneProgram.Run("evaluate", run.Folder, "--data", other).Refusal());
    }

    [Fact]
    public void Predictions_name_all_classes_above_their_thresholds()
    {
        var answers = SchaneProgram.Run("predict", run.Folder, Magenta(run), Red(run), "--json").Done().Document();
        Assert.Equal(["blue", "red"], Classes(answers[0]).Order());
        Assert.Equal(["red"], Classes(answers[1]));
        Assert.Equal(3, answers[1].GetProperty("top").GetArrayLength());
        var lines = SchaneProgram.Run("predict", run.Folder, Magenta(run), Red(run), "--csv").Done().Output.Split('\n');
        Assert.Contains(lines[1].Split(',')[1], (string[])["red;blue", "blue;red"]);
        Assert.Equal("red", lines[2].Split(',')[1]);
        Assert.DoesNotContain("green", SchaneProgram.Run("predict", run.Folder, Magenta(run)).Done().Output);
        Assert.Contains("withholds none", SchaneProgram.Run("predict", run.Folder, Red(run), "--abstain-below", "0.9").Refusal());
    }

    [Fact]
    public void The_exported_file_has_the_thresholds_and_gives_the_same_classes()
    {
        var onnx = run.File_("model.onnx");
        SchaneProgram.Run("export", run.Folder, "--onnx", onnx, "--force").Done();
        using var exported = Classifier.Load(onnx);
        using var trained = Classifier.Load(run.Folder);
        Assert.True(exported.IsMultiLabel);
        foreach (var image in (string[])[Red(run), Magenta(run)])
        {
            var (one, other) = (exported.Predict(image), trained.Predict(image));
            Assert.Equal(other.Classes!.Select(c => c.Class), one.Classes!.Select(c => c.Class));
            Assert.Equal(other.Top[0].Probability, one.Top[0].Probability, 1e-4);
        }
        Assert.Contains("what int8 costs is measured by the one class",
            SchaneProgram.Run("export", run.Folder, "--onnx", run.File_("8.onnx"), "--store", "int8").Refusal());
    }

    [Fact]
    public async Task The_server_answers_with_the_classes()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var server = await PredictionServer.StartAsync(new() { Run = run.Folder, Port = 0 }, stop);
        using var client = new HttpClient { BaseAddress = server.Address };
        using var image = new ByteArrayContent(await File.ReadAllBytesAsync(Magenta(run), stop));
        var response = await client.PostAsync("predict", image, stop);
        var answer = (await response.Content.ReadFromJsonAsync<JsonElement>(stop)).GetProperty("predictions")[0];
        Assert.Equal(["blue", "red"], Classes(answer).Order());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Few_images_are_all_learnt_from_and_folds_choose_the_thresholds()
    {
        var (folder, results) = TrainJob.Run(new()
        {
            Data = run.List, Weights = "none", InputSize = 32, Steps = 40, Threads = 1, LearningRate = 0.003, Augmentation = "none",
        }, new() { Folder = run.File_("folded") });
        Assert.Equal((5, "folds", 84), (results.Folds, results.Part, results.Images));
        Assert.InRange(results.Metrics["map"], 0.9, 1);
        Assert.All(results.PerClass!, c => Assert.True(c is { ThresholdImages: 48, F1: > 0.7 }));
        using var classifier = Classifier.Load(folder.Root);
        Assert.Equal(["blue", "red"], classifier.Predict(Magenta(run)).Classes!.Select(c => c.Class).Order());
        Assert.True(File.Exists(Path.Combine(folder.Root, "known.safetensors")));
    }

    [Theory]
    [Trait("Slow", "1")]
    [InlineData("a mean of runs is judged", "average", "RUN", "RUN")]
    [InlineData("a label is doubted", "data", "labels", "RUN")]
    [InlineData("an enrolled class takes the place", "enroll", "RUN", "--class", "x", "IMAGE")]
    [InlineData("what to label next is chosen", "suggest", "RUN", "--from", "IMAGE")]
    [InlineData("drift is tested", "monitor", "RUN", "IMAGE")]
    [InlineData("embeddings are kept and compared", "embed", "RUN", "--out", "OUT.npy")]
    [InlineData("embeddings are kept and compared", "fewshot", "RUN", "--data", "LIST")]
    [InlineData("runs are compared by the one class", "compare", "--data", "LIST", "--out", "OUT")]
    [InlineData("runs are compared by the one class", "sweep", "--data", "LIST", "--out", "OUT", "--over", "lr=0.1,0.2")]
    [InlineData("batches are looked at", "data", "doctor", "--data", "LIST")]
    [InlineData("sampler weighted draws by the class", "train", "--data", "LIST", "--sampler", "weighted", "--steps", "1")]
    [InlineData("imbalance counts one class", "train", "--data", "LIST", "--imbalance", "10", "--steps", "1")]
    [InlineData("the loss triplet can't compare", "train", "--data", "LIST", "--loss", "triplet", "--steps", "1")]
    public void What_takes_one_class_an_image_is_refused_in_a_sentence(string sentence, params string[] command) =>
        Assert.Contains(sentence, SchaneProgram.Run([.. command.Select(word => word switch
        {
            "RUN" => run.Folder,
            "IMAGE" => Red(run),
            "LIST" => run.List,
            _ when word.StartsWith("OUT", StringComparison.Ordinal) => run.File_(word),
            _ => word,
        })]).Refusal());

    [Fact]
    [Trait("Slow", "1")]
    public void A_run_that_was_stopped_goes_on_to_the_weights_and_thresholds_of_one_that_was_not()
    {
        var recipe = new Recipe
        {
            Data = run.List, Weights = "none", InputSize = 32, Steps = 8, Threads = 1, Augmentation = "none",
            Loss = LossRegistry.Find("schane"),
            SaveEvery = 2, NoRefit = true,
        };
        TrainJob.Run(recipe, new() { Folder = run.File_("whole") });
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
        {
            TrainJob.Run(recipe, new() { Folder = run.File_("stopped"), Progress = new Stopper(3, stop) }, stop.Token);
        });
        TrainJob.Resume(run.File_("stopped"));
        foreach (var file in (string[])["model.safetensors", "splits.json"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(run.File_("whole"), file)),
                File.ReadAllBytes(Path.Combine(run.File_("stopped"), file)));
        Assert.Equal(Thresholds("whole"), Thresholds("stopped"));

        IEnumerable<double?> Thresholds(string name) =>
            RunResults.Load(Path.Combine(run.File_(name), "results.json")).PerClass!.Select(c => c.Threshold);
    }

    private sealed class Stopper(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
                stop.Cancel();
        }
    }

    private static IEnumerable<string?> Classes(JsonElement answer) =>
        answer.GetProperty("classes").EnumerateArray().Select(c => c.GetProperty("class").GetString());
}
