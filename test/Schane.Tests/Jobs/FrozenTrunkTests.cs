using Schane.Checkpoints;
using Schane.Data.Dividing;
using Schane.Evaluation.Embeddings;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Tests.Cli;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Jobs;

/// <summary>A trunk that is frozen and sees each image once.</summary>
[Trait("Long", "1")]
public sealed class FrozenTrunkTests : IDisposable
{
    private Recipe Probe => new()
    {
        Data = photos.Data,
        NoRefit = true,
        Weights = "embedded",
        Freeze = "trunk",
        Augmentation = "none",
        Loss = new SchaneLoss(),
        Projection = 8,
        Steps = 6,
        InputSize = 32,
        ClassesPerBatch = 2,
        ImagesPerClass = 2,
        SaveEvery = 2,
        EvaluateEvery = 3,
        Ema = 0.9,
        Threads = 1,
    };

    private readonly Photos photos = Photos.OfTwoClasses();

    public void Dispose() => photos.Dispose();

    [Fact]
    public void The_head_becomes_the_one_that_steps_through_the_whole_model_give()
    {
        var (kept, _) = TrainJob.Run(Probe, new() { Folder = At("kept") });
        // another word for the same: not kept
        var (whole, _) = TrainJob.Run(Probe with { Freeze = TrunkByName() }, new() { Folder = At("whole") });
        Assert.True(File.Exists(Path.Combine(kept.Checkpoints, "features.safetensors")));
        Assert.False(File.Exists(Path.Combine(whole.Checkpoints, "features.safetensors")));
        using var scope = NewDisposeScope();
        using var one = Safetensors.Open(kept.Model);
        using var other = Safetensors.Open(whole.Model);
        foreach (var name in one.Names)
        {
            var (a, b) = (one.Read(name).to(ScalarType.Float64), other.Read(name).to(ScalarType.Float64));
            Assert.True((a - b).norm().ToDouble() <= 1e-4 * Math.Max(1e-3, b.norm().ToDouble()),
                $"{name} differs by {(a - b).norm().ToDouble():E1} of {b.norm().ToDouble():E1}");
        }
        Assert.Contains("each image passed it once", File.ReadLines(kept.Journal).First());
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_with_the_embeddings_it_kept_to_the_bit()
    {
        TrainJob.Run(Probe, new() { Folder = At("whole") });
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => TrainJob.Run(Probe,
            new() { Folder = At("stopped"), Progress = new Stopper(stop) }, stop.Token));
        TrainJob.Resume(At("stopped"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(At("whole"), "model.safetensors")),
            File.ReadAllBytes(Path.Combine(At("stopped"), "model.safetensors")));
    }

    [Fact]
    public void Each_training_and_validation_image_is_read_once_and_its_embedding_is_the_one_that_the_run_keeps()
    {
        // What a second look would need is gone after the first step.
        var (run, _) = TrainJob.Run(Probe with { NoThumbnails = true }, new()
        {
            Folder = At("run"), Progress = new AtStep(1, () =>
        {
            foreach (var name in Splits.Load(Path.Combine(At("run"), "splits.json")).Parts.Where(p => p.Key != "test")
                .SelectMany(p => p.Value))
                File.Delete(Path.Combine(photos.Data, name));
        })
        });
        using var scope = NewDisposeScope();
        using var kept = Safetensors.Open(Path.Combine(run.Checkpoints, "features.safetensors"));
        foreach (var part in (string[])["train", "val"])
            Assert.Equal(kept.Read(part).data<float>().ToArray(),
                EmbeddedImages.Load(run.Embeddings).Part(part)!.Embeddings.Values.ToArray());
    }

    [Fact]
    public void A_trunk_that_sees_varied_images_is_run_at_every_step()
    {
        var (run, _) = TrainJob.Run(Probe with { Augmentation = "light", Steps = 1 }, new() { Folder = At("varied") });
        Assert.False(File.Exists(Path.Combine(run.Checkpoints, "features.safetensors")));
    }

    private static string TrunkByName()
    {
        using var model = Schane.Models.ModelRegistry.Create("schane_tiny", 0);
        return string.Join(',', model.named_parameters().Select(p => p.name.Split('.')[0]).Distinct());
    }

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class AtStep(long step, Action act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Message: null } && value.Step == step)
                act();
        }
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == 3)
                stop.Cancel();
        }
    }
}
