using OwnBackbone;
using Schane.Checkpoints;
using Schane.Inference;
using Schane.Jobs;
using Schane.Models;
using Schane.Runs;
using Schane.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Samples;

/// <summary>The programs of samples/ that bring a part of their own, run as programs.</summary>
[Trait("Long", "1"), Trait("Slow", "1")]
public sealed class OwnProgramsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_data_set_of_ones_own_is_trained_and_tested_on()
    {
        var told = Run("OwnDataset");
        Assert.Contains("of 24 test images of rings", told);
        Assert.Contains("classes: thin, middling, thick", told);
    }

    [Fact]
    public void An_evaluator_of_ones_own_is_asked_and_its_best_weights_kept()
    {
        Assert.Contains("3 evaluations", Run("OwnEvaluator"));
        var seen = RunHistory.Read(RunFolder.Open(folder.Path).Journal).Evaluations.Select(one => one.Metrics!["nearest_mean"]!.Value);
        Assert.All(seen, share => Assert.InRange(share, 0.05, 1));
    }

    [Fact]
    public void A_backbone_of_ones_own_is_trained_saved_under_its_own_names_and_loaded_by_who_has_it()
    {
        Assert.Contains("embeddings of 24, 40 classes", Run("OwnBackbone"));
        var run = RunFolder.Open(Path.Combine(folder.Path, "second"));
        using (var file = Safetensors.Open(run.Model))
            Assert.Equal(["first.bias", "first.weight", "head.bias", "head.weight", "patches.bias", "patches.weight", "second.bias",
                "second.weight"], file.Names.Order(StringComparer.Ordinal));
        Assert.Contains("40 classes", Run("OwnBackbone", "again"));                       // the seed decides the initial weights
        Assert.Equal(File.ReadAllBytes(run.Model), File.ReadAllBytes(Path.Combine(folder.Path, "again", "second", "model.safetensors")));
        var error = Assert.Throws<SchaneException>(() => Classifier.Load(run.Root));
        Assert.Contains("has the architecture 'patch_mixer'", error.Message);
        Assert.Contains("ModelRegistry.Register", error.Message);
    }

    [Fact]
    public void A_backbone_of_ones_own_reads_weights_of_other_names()
    {
        using var scope = NewDisposeScope();
        using var model = new ImageClassifier(new PatchMixer(PatchMixer.Description), 2);
        var published = model.StateDict().ToDictionary(t => t.Key.Replace("patches.", "stem.").Replace("first.", "block1.")
            .Replace("second.", "block2."), t => full_like(t.Value, 0.5));
        model.Load(published);
        Assert.All(model.StateDict().Values, value => Assert.Equal(0.5f, value.mean().ToSingle(), 1e-6f));
    }

    [Fact]
    public void A_transform_of_ones_own_is_part_of_a_pipeline_and_known_by_name()
    {
        var told = Run("OwnTransform");
        Assert.Contains("Grain { Deviation = 12 }", told);
        Assert.Contains("40 classes", told);
        var error = Assert.Throws<SchaneException>(() => Classifier.Load(folder.Path));
        Assert.Contains("TransformPreset.Register", error.Message);
    }

    [Fact]
    public void A_sampler_of_ones_own_decides_the_batches_and_a_stopped_run_goes_on_with_them()
    {
        Assert.Contains("stopped and resumed", Run("OwnSampler"));
        byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(folder.Path, run, "model.safetensors"));
        Assert.Equal(Weights("whole"), Weights("stopped"));
        var error = Assert.Throws<SchaneException>(() => TrainJob.Resume(Path.Combine(folder.Path, "stopped")));
        Assert.Contains("batches", error.Message);
    }

    private string Run(string program, params string[] below) => SampleProgram.Run(program, Path.Combine([folder.Path, .. below]));
}
