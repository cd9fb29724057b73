using Schane.Distributed;
using Schane.Inference;
using Schane.Jobs;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Support;
using Schane.Tests.Verification;
using Schane.Training;
using Schane.Verification;

namespace Schane.Tests.Jobs;

/// <summary>A run proves its machine before its first step.</summary>
[Trait("Long", "1")]
public sealed class RunProofTests : IDisposable
{
    private static readonly Recipe Short = new()
    {
        Weights = "none", LabelsPerClass = 2, Steps = 4, ClassesPerBatch = 4, ImagesPerClass = 2, SaveEvery = 2, EvaluateEvery = 100,
        Threads = 1, InputSize = 32, NoThumbnails = true, Precision = Precision.Float32,
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_found_stands_in_journal_results_page_and_one_line()
    {
        var told = new List<string>();
        var (run, results) = TrainJob.Run(Short, new() { Folder = At("run"), Progress = new Heard(told) });
        var events = File.ReadAllLines(run.Journal);
        Assert.StartsWith("{\"event\":\"proof\",", events[1], StringComparison.Ordinal);
        var proof = RunHistory.Read(run.Journal).Proof!;
        Assert.InRange(proof.Error!.Value, 1e-9, 5e-5);
        Assert.Equal(("float32", 8L, "training images", null), (proof.Precision, proof.Images!.Value, proof.Pictures, proof.LeftOut));
        Assert.False(string.IsNullOrEmpty(proof.Where));
        Assert.Equal(proof.Error.Value, results.ArithmeticError!.Value, 1e-9);
        Assert.Equal(results.ArithmeticError, RunResults.Load(run.Results).ArithmeticError);
        var said = ProofResult.Sentence(proof.Error.Value);
        Assert.Equal($"The model is {said} (8 training images at once).", Assert.Single(told, line => line.Contains("float64")));
        Assert.Contains($"<dt>Arithmetic</dt><dd>{said}</dd>", File.ReadAllText(run.Report), StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Slow", "1")]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.Bf16)]
    public void Left_out_or_not_the_run_has_the_same_weights_and_the_journal_says_which(Precision precision)
    {
        var (with, _) = TrainJob.Run(Short with { Precision = precision }, new() { Folder = At("with") });
        var (without, results) = TrainJob.Run(Short with { Precision = precision, NoProof = true }, new() { Folder = At("without") });
        Assert.Equal(File.ReadAllBytes(with.Model), File.ReadAllBytes(without.Model));
        Assert.Equal((null, "not proven, as no-proof asks for"),
            (RunHistory.Read(without.Journal).Proof!.Error, RunHistory.Read(without.Journal).Proof!.LeftOut));
        Assert.Null(results.ArithmeticError);
        Assert.Contains("not proven, as no-proof asks for", File.ReadAllText(without.Report), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_goes_on_proves_the_weights_that_it_goes_on_from()
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TrainJob.Run(Short, new() { Folder = At("run"), Progress = new Heard([], Stop) }, stop.Token));
        var before = RunHistory.Read(Path.Combine(At("run"), "journal.jsonl")).Proof!;
        TrainJob.Resume(At("run"));
        var after = RunHistory.Read(Path.Combine(At("run"), "journal.jsonl")).Proof!;
        Assert.NotEqual(before.Error, after.Error);
        Assert.Equal(2, File.ReadAllLines(Path.Combine(At("run"), "journal.jsonl")).Count(line => line.Contains("\"proof\"")));

        void Stop(long step)
        {
            if (step == 2)
                stop.Cancel();
        }
    }

    [Fact]
    public void Look_alikes_take_the_place_of_images_that_cannot_be_read_which_is_said()
    {
        using var photos = Photos.OfTwoClasses();
        for (var i = 0; i < 10; i++)
            photos.Write(Path.Combine("red", $"{i}.png"), [1, 2, 3]);
        var told = new List<string>();
        var recipe = Short with
        { Data = photos.Data, NoRefit = true, LabelsPerClass = null, OnBadImage = Schane.Data.Feeding.OnBadImage.Skip };
        using var model = new RunModel(new(ModelRegistry.Create("schane_tiny", 1, inputSize: 32), 2), ["blue", "red"], "none");
        var train = DataSetup.Open(recipe, null).Train;
        var proof = RunProof.Of(recipe with { Augmentation = "none" }, train, model, new SingleProcess(), new Heard(told));
        Assert.Equal("training images and look-alikes", proof.Pictures);
        Assert.Contains("Look-alikes take the place of images that the machine was to be proven with", told[0], StringComparison.Ordinal);
        Assert.Contains(".png", told[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Fault.Float32)]
    [InlineData(Fault.BatchesOnly)]
    [InlineData(Fault.WeightGradient)]
    public void A_wrong_layer_stops_the_run_and_is_named(Fault fault)
    {
        var net = new FaultyNet(fault);
        net.Initialise(1);
        using var model = new RunModel(new(net, 5), ["a", "b", "c", "d", "e"], "none");
        var error = Assert.Throws<WrongArithmeticException>(() => RunProof.Of(Short with { Augmentation = "none" },
            DataSetup.Open(Short, null).Train, model, new SingleProcess(), null));
        Assert.Equal("fc2", error.Layer);
        Assert.True(error.Error > error.Allowed);
        Assert.StartsWith("This machine computes the model wrong: fc2, ", error.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was trained; --no-proof trains all the same.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Convolutions_that_oneDNN_gets_wrong_stop_training_and_loading_and_leave_nothing_behind()
    {
        var (_, output) = NativeProgram.Start(CacheCure.None, "jobs");
        var lines = output.Split('\n').Where(line => line.StartsWith("WRONG", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("WRONG train left nothing: This machine computes the model wrong: layer", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("WRONG load: This machine computes the model wrong: layer", lines[1], StringComparison.Ordinal);
    }

    /// <summary>What <see cref="NativeProgram"/> runs in a process whose oneDNN is wrong.</summary>
    internal static IEnumerable<string> InFaultyProcess()
    {
        using var folder = new TemporaryFolder();
        var run = Path.Combine(folder.Path, "runs", "wrong");
        var error = Assert.Throws<WrongArithmeticException>(() => TrainJob.Run(Short with { Weights = "embedded", Model = "schane_tiny" },
            new() { Folder = run }));
        yield return $"train left {(Directory.Exists(run) ? "something" : "nothing")}: {error.Message}";
        var (trained, _) = TrainJob.Run(Short with { Weights = "embedded", Model = "schane_tiny", NoProof = true }, new() { Folder = run });
        yield return $"load: {Assert.Throws<WrongArithmeticException>(() => Classifier.Load(trained.Root)).Message}";
        Classifier.Load(trained.Root, new() { Prove = false }).Dispose();
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    private sealed class Heard(List<string> messages, Action<long>? atStep = null) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Message is not null)
                messages.Add(value.Message);
            atStep?.Invoke(value.Step);
        }
    }
}
