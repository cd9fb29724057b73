using Schane.Data.Reading;
using Schane.Inference;
using Schane.Jobs;
using Schane.Planning;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using static TorchSharp.torch;

namespace Schane.Tests.Inference;

/// <summary>Where a model saw its answers: in answers, in the files of <c>predict --why</c> and in the thumbnails of a run.</summary>
[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class ActivationImagesTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_answer_has_where_it_was_seen_if_that_is_asked_for_and_is_the_same_otherwise()
    {
        using var classifier = Classifier.Load(run.Folder);
        var (plain, explained) = (classifier.Predict(run.Red), classifier.Predict(run.Red, new() { Why = true }));
        Assert.Null(plain.Why);
        Assert.Equal(plain.Top, explained.Top);
        Assert.Equal((32, 32, 3), (explained.Why!.Width, explained.Why.Height, explained.Why.Channels));
        Assert.Contains(Enumerable.Range(0, 32 * 32), i => explained.Why.Pixels[3 * i] > explained.Why.Pixels[3 * i + 2] + 50);  // orange
        var many = classifier.PredictFiles([run.Blue, run.Red], new() { Why = true }).ToList();
        Assert.Equal(explained.Why.Pixels, many[1].Why!.Pixels, (a, b) => Math.Abs(a - b) <= 1);
    }

    [Fact]
    public void An_exported_file_says_that_it_can_not_tell()
    {
        var onnx = Path.Combine(folder.Path, "colours.onnx");
        ExportJob.Run(run.Folder, onnx);
        using var classifier = Classifier.Load(onnx);
        Assert.Contains("ONNX files give no gradients",
            Assert.Throws<SchaneException>(() => classifier.Predict(run.Red, new() { Why = true })).Message);
    }

    [Fact]
    public void Predict_writes_one_image_an_answer_under_its_number_and_name()
    {
        var seen = Path.Combine(folder.Path, "new", "seen");
        var bad = folder.Write("bad.png", "no image"u8.ToArray());
        var ended = SchaneProgram.RunWithInput($"{run.Red}\n{bad}\n{run.Blue}\n", "predict", run.Folder, "-", "--why", seen, "--json");
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal(["0001-3.png", "0003-3.png"], Directory.GetFiles(seen).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(32, ImageDecoder.Decode(File.ReadAllBytes(Path.Combine(seen, "0001-3.png")), "seen").Width);
        Assert.False(ended.Document()[0].TryGetProperty("why", out _));
        Assert.Contains("can't be written", SchaneProgram.Run("predict", run.Folder, run.Red, "--why", bad).Refusal());
    }

    [Fact]
    public void A_run_keeps_where_its_model_saw_the_classes_that_images_were_taken_for()
    {
        var copy = RunFolder.Open(run.CopyTo(folder.Path));
        using var model = RunModel.Load(copy.Model, "cpu");
        var data = DataSetup.Open(SavedRun.RecipeOf(copy), null, SavedRun.SplitsOf(copy));
        var names = Enumerable.Range(0, data.Test!.Count).Select(data.Test.NameOf).ToArray();
        new ImageKeeper(data, copy, new(model), CPU, embedded: null, default).KeepActivations("test", new Dictionary<string, string>
        { [names[0]] = "blue", [names[1]] = "red", [names[2]] = "a class of another model", ["not there"] = "red" });

        var thumbnails = new Thumbnails(copy.Thumbnails);
        var kept = names.Take(3).Select(name => thumbnails.Find(Thumbnails.Activations("test"), name)).ToArray();
        Assert.All(kept.Take(2), webp => Assert.InRange(webp!.Length, 1, Thumbnails.MostBytes));
        Assert.Null(kept[2]);
    }
}
