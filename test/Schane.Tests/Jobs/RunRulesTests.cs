using System.Text.Json;
using Schane.Checkpoints;
using Schane.Jobs;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tests.Cli;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Jobs;

/// <summary>What a run does when it is asked for what does not fit, and what its recipe's settings reach.</summary>
[Trait("Long", "1")]
public sealed class RunRulesTests : IDisposable
{
    private readonly Photos photos = Photos.OfTwoClasses();

    private Recipe Short => new()
    {
        Data = photos.Data, NoRefit = true, Model = "vit_tiny_patch16_224:patch=8,width=24,depth=2,heads=3",
        Augmentation = "none", InputSize = 32, ImagesPerClass = 2, Steps = 6, Warmup = 0, SaveEvery = 2, EvaluateEvery = 2, Threads = 1
    };

    public void Dispose() => photos.Dispose();

    [Theory]
    [InlineData("model: ", "model: vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3", "but the recipe makes 3×32×32 vit_tiny")]
    [InlineData("seed: ", "seed: 9", "seed")]
    [InlineData("images-per-class: ", "images-per-class: 3", "batches in another order")]
    public void A_checkpoint_of_another_model_or_order_is_refused(string setting, string changed, string words)
    {
        Interrupt();
        var file = Path.Combine(At("run"), "recipe.yaml");
        File.WriteAllLines(file, File.ReadAllLines(file).Select(line =>
            line.StartsWith(setting, StringComparison.Ordinal) ? changed : line));
        Assert.Matches($"was changed since it began: {setting.Trim(' ', ':')} is \"?{changed[setting.Length..]}\"? and was",
            Assert.Throws<SchaneException>(() => TrainJob.Resume(At("run"))).Message);
        File.Delete(Path.Combine(At("run"), "checkpoints", "recipe.yaml"));                    // as a run of a version that kept none
        Assert.Contains(words, Assert.Throws<SchaneException>(() => TrainJob.Resume(At("run"))).Message);
    }

    [Theory]
    [InlineData("schane", "none", null, 0.2)]
    [InlineData("schane", "none", 0.5, 0.5)]
    [InlineData("schane", "embedded", null, 0.5)]
    [InlineData("supcon", "none", null, 0.1)]
    public void The_temperature_of_SCHaNe_is_lower_where_weights_begin_at_random_unless_it_is_set(string loss, string weights, double? set,
        double expected) =>
        Assert.Equal(expected, OpenChoices.Settled(
            Short with { Loss = LossRegistry.Find(loss), Weights = weights, Temperature = set, Model = "schane_tiny" },
            DataSetup.Open(Short, null), InitialWeights.Find(weights, "schane_tiny")).Temperature);

    [Fact]
    public void Data_that_came_or_went_are_refused_and_let_pass_when_told_to()
    {
        Interrupt();
        photos.Write("red/new.png", Data.Pictures.Flat(40, 40, 1, 2, 3));
        Assert.Contains("--accept-changed-data", Assert.Throws<SchaneException>(() => TrainJob.Resume(At("run"))).Message);
        TrainJob.Resume(At("run"), new() { AcceptChangedData = true });
    }

    [Fact]
    public void A_class_that_came_is_refused()
    {
        Interrupt();
        for (var i = 0; i < 8; i++)
            photos.Write($"violet/{i}.png", Data.Pictures.Flat(40, 40, (byte)i, 2, 3));
        Assert.ThrowsAny<SchaneException>(() => TrainJob.Resume(At("run"), new() { AcceptChangedData = true }));
    }

    [Fact]
    public void A_gpu_that_is_not_there_is_named()
    {
        Assert.SkipWhen(cuda.is_available(), "There is a GPU here.");
        Assert.Contains("cuda", Assert.Throws<SchaneException>(() =>
            TrainJob.Run(Short with { Device = "cuda" }, new() { Folder = At("run") })).Message);
        Assert.Contains("fp16 is for GPUs", Assert.Throws<SchaneException>(() =>
            TrainJob.Run(Short with { Precision = Precision.Fp16 }, new() { Folder = At("run") })).Message);
        Assert.False(Directory.Exists(At("run")));
    }

    [Theory]
    [InlineData(NonFinitePolicy.Stop, 0, "Step 2: ")]
    [InlineData(NonFinitePolicy.Skip, 3, "3 steps were skipped before it, as many as skip-limit allows")]
    public void A_loss_that_is_not_finite_is_named_and_its_batch_is_kept(NonFinitePolicy policy, int limit, string words)
    {
        var error = Assert.Throws<DivergedException>(() => TrainJob.Run(
            Short with { Steps = 20, EvaluateEvery = 100, LearningRate = 1e30, OnNonFinite = policy, SkipLimit = limit },
            new() { Folder = At("run") }));
        Assert.Contains(words, error.Message);
        var kept = Directory.GetFiles(Path.Combine(At("run"), "checkpoints"), "non-finite-*.safetensors").Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(limit + 1, kept.Count);
        using var file = Safetensors.Open(kept[0]);
        Assert.Equal([4, 3, 32, 32], file.ShapeOf("images"));
        Assert.Equal("2", file.Metadata["step"]);
        Assert.Contains("must be finite", file.Metadata["problem"]);
    }

    [Fact]
    public void A_run_whose_skipped_steps_stay_below_the_limit_is_finished_and_its_results_count_them()
    {
        // A cosine over such a temperature is beyond single precision.
        var (run, results) = TrainJob.Run(Short with { Steps = 2, Temperature = 1e-45, OnNonFinite = NonFinitePolicy.Skip },
            new() { Folder = At("run") });
        Assert.Equal((2, 2L), (results.Steps, results.SkippedSteps));
        Assert.Equal(2, Events("run", "warning").Count(e => e.GetProperty("message").GetString()!.Contains("The step is skipped")));
        Assert.Contains("\"skipped_steps\":2", File.ReadAllText(run.Results));
        Assert.DoesNotContain("skipped_steps", File.ReadAllText(
            TrainJob.Run(Short with { Steps = 1 }, new() { Folder = At("plain") }).Folder.Results));
    }

    [Fact]
    public void Layer_decay_reaches_the_optimiser_from_the_recipe()
    {
        using var scope = NewDisposeScope();
        var (start, decayed, even) = (Weights(Short with { LearningRate = 1e-12 }, "start"),
            Weights(Short with { LayerDecay = 1e-6 }, "decayed"), Weights(Short, "even"));
        double Moved(Dictionary<string, Tensor> to, string name) => (to[name] - start[name]).abs().max().ToDouble();
        Assert.InRange(Moved(decayed, "patch_embed.proj.weight"), 0, 1e-7);
        Assert.True(Moved(even, "patch_embed.proj.weight") > 1e-4);
        Assert.True(Moved(decayed, "head.weight") > 1e-4);
    }

    [Fact]
    public void Frozen_layers_stay_and_a_small_clip_norm_makes_small_steps_of_sgd()
    {
        using var scope = NewDisposeScope();
        var plain = Short with
        {
            Optimizer = OptimizerKind.Sgd,
            Momentum = 0,
            WeightDecay = 0,
            LearningRate = 1,
            LearningRateShape = ScheduleShape.Linear,
            Steps = 1
        };
        var (start, clipped, frozen) = (Weights(plain with { LearningRate = 1e-12 }, "start"),
            Weights(plain with { ClipNorm = 1e-3 }, "clipped"), Weights(plain with { Freeze = "2" }, "frozen"));
        // lr 1 × norm 0.001
        Assert.Equal(1e-3, Math.Sqrt(start.Sum(t => Math.Pow((clipped[t.Key] - t.Value).norm().ToDouble(), 2))), 1e-5);
        Assert.True(start["blocks.0.attn.qkv.weight"].equal(frozen["blocks.0.attn.qkv.weight"]).all().item<bool>());
        Assert.False(start["blocks.1.attn.qkv.weight"].equal(frozen["blocks.1.attn.qkv.weight"]).all().item<bool>());
    }

    [Fact]
    public void Micro_batches_of_the_recipe_leave_the_training_as_it_is_to_rounding_and_the_journal_names_them()
    {
        using var scope = NewDisposeScope();
        var (whole, parts, accumulated) = (Weights(Short, "whole"), Weights(Short with { Batch = 4, MicroBatch = 2 }, "parts"),
            Weights(Short with { MicroBatch = 2, Accumulate = true }, "accumulated"));
        double Apart(Dictionary<string, Tensor> a) => a.Max(t =>
            (t.Value - whole[t.Key]).norm().ToDouble() / Math.Max(1, whole[t.Key].norm().ToDouble()));
        Assert.InRange(Apart(parts), 0, 1e-4);
        Assert.True(Apart(accumulated) > 1e-3, "accumulation should be another gradient");
        Assert.Equal("of the whole batch of 4", First("parts").GetProperty("negatives").GetString());
        Assert.Equal("of a micro-batch of 2: accumulation adds none", First("accumulated").GetProperty("negatives").GetString());
    }

    [Fact]
    public void Batch_statistics_are_of_a_ghost_batch_that_the_journal_names()
    {
        TrainJob.Run(Short with { Model = "convnet4", MicroBatch = 2, Steps = 1 }, new() { Folder = At("run") });
        Assert.StartsWith("of 2 images (the ghost batch)", First("run").GetProperty("batch_statistics").GetString());
    }

    [Fact]
    public void The_last_checkpoints_and_the_best_are_kept_and_averaged_weights_are_measured_beside_the_raw_ones()
    {
        var (run, _) = TrainJob.Run(Short with { KeepLast = 2, Ema = 0.9, BestMetric = "ema_nll" }, new() { Folder = At("run") });
        Assert.Equal(["best.safetensors", "step-00000004.safetensors", "step-00000006.safetensors"],
            Directory.GetFiles(run.Checkpoints, "*.safetensors").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var metrics = Events("run", "evaluation").Select(e => e.GetProperty("metrics")).ToList();
        Assert.Equal(3, metrics.Count);
        Assert.All(metrics, m => Assert.Equal(["ema_mean_per_class", "ema_nll", "ema_top1", "mean_per_class", "nll", "top1"],
            m.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)));
        Assert.Contains(metrics, m => m.GetProperty("nll").GetDouble() != m.GetProperty("ema_nll").GetDouble());
        using var best = Safetensors.Open(Path.Combine(run.Checkpoints, "best.safetensors"));
        Assert.Equal(metrics.Min(m => m.GetProperty("ema_nll").GetDouble()),
            JsonDocument.Parse(best.Metadata["state"]).RootElement.GetProperty("Best").GetDouble(), 1e-6);
    }

    [Fact]
    public void Training_ends_early_when_patience_is_at_its_end()
    {
        // hardly a step: nothing gets better after the first look
        TrainJob.Run(Short with { Steps = 200, LearningRate = 1e-12, EvaluateEvery = 2, Patience = 3 }, new() { Folder = At("run") });
        var end = Events("run", "end").Single();
        Assert.Equal((8, "top1 has not improved since step 2"),
            (end.GetProperty("step").GetInt32(), end.GetProperty("reason").GetString()));
    }

    [Fact]
    public void The_end_of_the_journal_says_how_long_the_steps_waited_for_images()
    {
        TrainJob.Run(Short, new() { Folder = At("run") });
        Assert.InRange(Events("run", "end").Single().GetProperty("waiting").GetDouble(), 0, 1);
    }

    private void Interrupt()
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => TrainJob.Run(Short, new() { Folder = At("run"), Progress = new Stopper(stop) },
            stop.Token));
    }

    private Dictionary<string, Tensor> Weights(Recipe recipe, string name)
    {
        var (run, _) = TrainJob.Run(recipe, new() { Folder = At(name) });
        using var file = Safetensors.Open(run.Model);
        return file.Names.ToDictionary(n => n, n => file.Read(n).to(ScalarType.Float64));
    }

    private JsonElement First(string name) => Events(name, "start").Single();

    private List<JsonElement> Events(string name, string kind) =>
        [.. File.ReadLines(Path.Combine(At(name), "journal.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(e => e.GetProperty("event").GetString() == kind)];

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == 3)
                stop.Cancel();
        }
    }
}
