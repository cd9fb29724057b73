using System.Text.Json;
using Schane.Checkpoints;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Jobs;

[Trait("Long", "1")]
public sealed class StagedTrainingTests : IDisposable
{
    private Recipe Shared => new()
    {
        Data = photos.Data, Weights = "none", Steps = 4, InputSize = 32, ClassesPerBatch = 2,
        ImagesPerClass = 2, SaveEvery = 2, EvaluateEvery = 100, Threads = 1
    };

    private (string, Recipe)[] Stages =>
    [
        ("contrastive", Shared with { Loss = new SupConLoss(), Lambda = 1, Projection = 8 }),
        ("probe", Shared with { Loss = new CrossEntropyAlone(), Freeze = "trunk", Augmentation = "none" }),
        ("fine-tune", Shared with { LearningRate = 1e-4, Steps = 3 }),
    ];

    private readonly Photos photos = Photos.OfTwoClasses();

    public void Dispose() => photos.Dispose();

    [Fact]
    public void Each_stage_goes_on_with_the_weights_of_the_one_before_classifier_included()
    {
        var (run, results) = StagedTraining.Run(Stages[..2], new() { Folder = At("run") });
        Assert.Equal((4, "ce"), ((int)results.Steps, results.Loss));
        using var scope = NewDisposeScope();
        using var before = Safetensors.Open(RunFolder.Open(Path.Combine(run.Root, "stages", "contrastive")).Model);
        using var after = Safetensors.Open(run.Model);
        var head = Schane.Models.ModelRegistry.InfoOf("schane_tiny").HeadName;
        Assert.All(after.Names, name => Assert.Equal(!name.StartsWith($"{head}.weight", StringComparison.Ordinal)
            && !name.StartsWith($"{head}.bias", StringComparison.Ordinal), before.Read(name).equal(after.Read(name)).all().item<bool>()));

        // hardly a step
        var (tuned, _) = StagedTraining.Run([.. Stages[1..2],
            ("fine-tune", Shared with { LearningRate = 1e-12, WeightDecay = 0, Steps = 1 })], new() { Folder = At("tuned") });
        using var probe = Safetensors.Open(RunFolder.Open(Path.Combine(tuned.Root, "stages", "probe")).Model);
        using var kept = Safetensors.Open(tuned.Model);
        Assert.True((probe.Read($"{head}.weight") - kept.Read($"{head}.weight")).abs().max().ToDouble() <= 1e-8);
    }

    [Theory]
    [Trait("Slow", "1")]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 1)]
    public void A_run_that_was_stopped_in_a_stage_goes_on_in_it_to_the_weights_it_would_have_had(int stage, long step)
    {
        StagedTraining.Run(Stages, new() { Folder = At("whole") });
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => StagedTraining.Run(Stages,
            new() { Folder = At("stopped"), Progress = new Stopper(stage, step, stop) }, stop.Token));
        TrainJob.Resume(At("stopped"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(At("whole"), "model.safetensors")),
            File.ReadAllBytes(Path.Combine(At("stopped"), "model.safetensors")));
    }

    [Fact]
    public void A_run_is_replaced_with_all_its_stages_and_only_when_told_to()
    {
        StagedTraining.Run(Stages, new() { Folder = At("run") });
        Assert.Contains("--force", Assert.Throws<SchaneException>(() => StagedTraining.Run(Stages, new() { Folder = At("run") })).Message);
        TrainJob.Run(Shared with { Steps = 1 }, new() { Folder = At("run"), Force = true });
        Assert.False(Directory.Exists(Path.Combine(At("run"), "stages")));
        Assert.Equal(1, JsonDocument.Parse(File.ReadAllText(Path.Combine(At("run"), "results.json"))).RootElement.GetProperty("steps")
            .GetInt32());
    }

    [Fact]
    public void A_wrong_stage_is_refused_before_a_folder_is_made()
    {
        Assert.Throws<SchaneException>(() => StagedTraining.Run([Stages[0], ("odd", Shared with { Model = "resnet19" })],
            new() { Folder = At("run") }));
        Assert.False(Directory.Exists(At("run")));
    }

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class Stopper(int stage, long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        private int now;

        public void Report(TrainingProgress value)
        {
            if (value.Message?.StartsWith("Stage ", StringComparison.Ordinal) == true)
                now++;
            if (now == stage && value.Phase == "train" && value.Step == step)
                stop.Cancel();
        }
    }
}
