using Schane.Checkpoints;
using Schane.Data.Dividing;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Jobs;
using Schane.Jobs.Folds;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Tests.Jobs;

/// <summary>Few images are all learnt from, and folds measure the model.</summary>
[Trait("Long", "1")]
public sealed class FoldedTrainingTests : IDisposable
{
    private readonly Photos photos = new(("red", 3), ("blue", 3), ("grey", 2), ("white", 1));

    private Recipe Short => new()
    {
        Data = photos.Data,
        Model = "schane_tiny",
        Weights = "embedded",
        Loss = new SchaneLoss(),
        Steps = 4,
        InputSize = 32,
        ClassesPerBatch = 3,
        ImagesPerClass = 2,
        SaveEvery = 2,
        Threads = 1,
        Precision = Precision.Float32,
        NoProof = true,
    };

    public void Dispose() => photos.Dispose();

    [Fact]
    public void Every_label_counts_and_no_image_is_measured_by_a_model_that_was_trained_on_it()
    {
        var (run, results) = TrainJob.Run(Short, new() { Folder = At("run") });
        Assert.Equal(("folds", 3, 8), (results.Part, results.Folds, results.Images));       // the only white one can't be measured
        Assert.Equal(8, results.Confusion!.Sum(row => row.Sum()));
        Assert.Equal((9, 0), ((int)RunHistory.Read(run.Journal).Start!.TrainImages!, (int)RunHistory.Read(run.Journal).Start!.ValImages!));
        var folds = Splits.Load(run.Splits).Folds;
        Assert.Equal(8, folds.SelectMany(fold => fold).Distinct().Count());
        Assert.Equal(2, folds.Count(fold => fold.Any(image => image.StartsWith("grey", StringComparison.Ordinal))));
        for (var fold = 1; fold <= folds.Count; fold++)
            Assert.Equal(9 - folds[fold - 1].Count,
                (int)RunHistory.Read(RunFolder.Open(Path.Combine(run.Root, "folds", $"{fold}")).Journal).Start!.TrainImages!);
        Assert.Equal(["embeddings.safetensors"], Directory.EnumerateFiles(Path.Combine(run.Root, "folds"), "*.safetensors",
            SearchOption.AllDirectories).Select(Path.GetFileName).Distinct());
        Assert.Contains("trained without", File.ReadAllText(run.Report));
        Assert.Equal(results.Text, EvaluateJob.Run(run.Root).Text);       // not the model on what it has learnt
        Assert.Equal(9, EvaluateJob.Run(run.Root, photos.Data).Images);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_folds_held_out_says_what_is_unknown_and_lets_a_class_be_added(bool probe)
    {
        var recipe = probe ? Short with { NoProbe = false, LearningRate = 1, TrunkRate = 1, Steps = 3 } : Short;
        var (run, results) = TrainJob.Run(recipe, new() { Folder = At("run") });
        Assert.Equal(probe, results.Probe?.Kept == true);
        var held = FoldEmbeddings.Of(run, results, EmbeddedImages.Load(run.Embeddings));
        Assert.Equal([8, 9, 9, 9], [held.Sum(pair => pair.Held.Count), .. held.Select(pair => pair.Train.Count + pair.Held.Count)]);
        var noise = Path.Combine(photos.Root, "noise.png");
        File.WriteAllBytes(noise, Pictures.Noise(40, 40));
        using (var before = Classifier.Load(run.Root))
            Assert.True(before.Predict(noise).Unknown);
        var found = EnrollJob.Run(run.Root, "noise", [noise]);
        Assert.Equal((1, null), (found.Images, found.Taken));
        Assert.InRange(found.UnknownFound, 0, 1);
        using var after = Classifier.Load(run.Root);
        Assert.False(after.Predict(noise).Unknown);
    }

    [Fact]
    public void The_machine_is_proven_once_for_the_folds_and_the_run()
    {
        var told = new List<string?>();
        var (run, results) = TrainJob.Run(Short with { NoProof = null },
            new() { Folder = At("run"), Progress = new Listener(value => told.Add(value.Message)) });
        Assert.Single(told, said => said?.Contains("as float64 says", StringComparison.Ordinal) == true);
        var proof = RunHistory.Read(RunFolder.Open(Path.Combine(run.Root, "folds", "1")).Journal).Proof;
        Assert.NotNull(proof!.Error);
        Assert.Equal((proof, proof.Error), (RunHistory.Read(run.Journal).Proof, results.ArithmeticError));
    }

    [Fact]
    public void A_run_that_is_stopped_in_a_fold_goes_on_to_the_weights_and_figures_of_one_that_is_not()
    {
        var (whole, expected) = TrainJob.Run(Short, new() { Folder = At("whole") });
        using var stop = new CancellationTokenSource();
        var stopped = Assert.Throws<OperationCanceledException>(() =>
            TrainJob.Run(Short, new() { Folder = At("stopped"), Progress = new Stopper("fold 2 of 3", stop) }, stop.Token));
        Assert.Contains($"--resume {At("stopped")}`", stopped.Message);
        var (run, results) = TrainJob.Resume(At("stopped"));
        Assert.Equal(expected.Metrics, results.Metrics);
        Assert.Equal(File.ReadAllBytes(whole.Model), File.ReadAllBytes(run.Model));
    }

    [Fact]
    public void The_linear_probe_is_kept_where_it_does_better_in_the_folds()
    {
        // A rate that destroys the model.
        var (_, results) = TrainJob.Run(Short with { NoProbe = false, LearningRate = 1, TrunkRate = 1, Steps = 3 },
            new() { Folder = At("probe") });
        Assert.True(results.Probe!.Kept);
        Assert.Equal((0, 8), (results.Steps, results.Probe.Images));
        Assert.Null(results.Probe.FineTuned);
        Assert.True(results.Probe.Mean!["top1"] < results.Probe.Validation["top1"]);
        Assert.Equal(results.Probe.Validation["top1"], results.Metrics["top1"]);
    }

    [Fact]
    public void Elsewhere_the_model_is_the_mean_of_the_probe_and_the_fine_tuned_weights_as_it_is_in_each_fold()
    {
        using var two = Photos.OfTwoClasses();
        var (run, results) = TrainJob.Run(Short with { Data = two.Data, ClassesPerBatch = 2, NoProbe = false, LearningRate = 1e-4 },
            new() { Folder = At("mean") });
        Assert.Equal((false, true, 4), (results.Probe!.Kept, results.Probe.MeanKept, results.Steps));
        Assert.Equal(results.Probe.Mean!["top1"], results.Metrics["top1"]);
        using var probe = Safetensors.Open(Path.Combine(run.Checkpoints, "probe.safetensors"));
        using var last = Safetensors.Open(Path.Combine(run.Checkpoints, "step-00000004.safetensors"));
        using var kept = Safetensors.Open(run.Model);
        foreach (var name in kept.Names.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
        {
            using var scope = NewDisposeScope();
            var (before, after) = (probe.Read(name), last.Read($"model.{name}"));
            Assert.True(kept.Read(name).allclose((before + after) / 2, rtol: 1e-6, atol: 1e-7), name);
        }
    }

    [Theory]
    [InlineData("folds", "folds K makes one fold alone")]
    [InlineData("patience", "patience needs validation images")]
    [InlineData("alone", "one image of each class")]
    public void What_can_not_be_is_refused_in_a_sentence_and_leaves_nothing(string what, string sentence)
    {
        using var one = new Photos(("red", 1), ("blue", 1));
        var recipe = Short with { NoRefit = false };
        var wrong = Assert.Throws<SchaneException>(() => TrainJob.Run(what switch
        {
            "folds" => recipe with { Folds = 2 },
            "patience" => recipe with { Patience = 1 },
            _ => recipe with { Data = one.Data },
        }, new() { Folder = At("wrong") }));
        Assert.Contains(sentence, wrong.Message);
        Assert.False(Directory.Exists(At("wrong")));
    }

    [Fact]
    public void One_image_of_each_class_is_never_measured_on_itself()
    {
        using var one = new Photos(("red", 1), ("blue", 1));
        foreach (var aside in (bool?[])[null, true])
            Assert.Contains("add a second one", Assert.Throws<SchaneException>(() =>
                TrainJob.Run(Short with { Data = one.Data, NoRefit = aside }, new() { Folder = At("one") })).Message);
    }

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class Listener(Action<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told(value);
    }

    private sealed class Stopper(string phase, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == phase && value.Step == 3)
                stop.Cancel();
        }
    }
}
