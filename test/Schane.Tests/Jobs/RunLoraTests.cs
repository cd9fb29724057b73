using Schane.Checkpoints;
using Schane.Inference;
using Schane.Jobs;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tests.Cli;
using Schane.Tests.Support;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Jobs;

/// <summary>Runs that train adapters: what they change, keep and hand on.</summary>
[Trait("Long", "1")]
public sealed class RunLoraTests : IDisposable
{
    private const string Model = "vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3";

    private readonly Photos photos = Photos.OfTwoClasses();

    private Recipe Lora => new()
    {
        Data = photos.Data,
        NoRefit = true,
        Model = Model,
        Weights = Trunk(Model),
        Lora = 2,
        LoraAlpha = 3,
        Loss = new SchaneLoss(),
        Steps = 6,
        InputSize = 32,
        ClassesPerBatch = 2,
        ImagesPerClass = 2,
        SaveEvery = 2,
        EvaluateEvery = 3,
        Threads = 1,
        NoThumbnails = true,
    };

    public void Dispose() => photos.Dispose();

    [Fact]
    public void A_run_changes_adapters_and_classifier_alone_and_says_how_many_parameters_these_are()
    {
        var heard = new List<string>();
        var (run, _) = TrainJob.Run(Lora, new() { Folder = At("run"), Progress = new Heard(heard) });
        // A and B of qkv [144, 48] and proj [48, 48] in two blocks, and a classifier of two classes
        const int trained = 2 * 2 * (48 + 144 + 48 + 48) + 2 * 48 + 2;
        var start = File.ReadLines(run.Journal).First();
        Assert.Contains($"\"trained\":{trained},", start);
        Assert.Contains(heard, m => m.StartsWith("LoRA of rank 2 at 4 linear layers: 1,250 of ", StringComparison.Ordinal)
            && m.EndsWith(" parameters are trained (1.84 %).", StringComparison.Ordinal));
        Assert.Equal(1250, trained);

        using var scope = NewDisposeScope();
        using var before = Safetensors.Open(Trunk(Model));
        using var after = Safetensors.Open(run.Model);
        using var adapter = Safetensors.Open(run.Adapter);
        Assert.Equal(before.Names.Order(), after.Names.Order());
        foreach (var name in after.Names.Where(name => !name.StartsWith("head.", StringComparison.Ordinal)))
        {
            var (was, layer) = (before.Read(name), name[..^".weight".Length]);
            if (name.EndsWith("attn.qkv.weight", StringComparison.Ordinal) || name.EndsWith("attn.proj.weight", StringComparison.Ordinal))
            {
                var product = adapter.Read($"{layer}.lora_B").matmul(adapter.Read($"{layer}.lora_A"));
                Assert.True(product.abs().max().ToDouble() > 1e-5, $"{name} did not move.");
                Assert.InRange((after.Read(name) - was - product * 1.5).abs().max().ToDouble(), 0, 1e-6);
            }
            else
                Assert.True(after.Read(name).Equals(was), $"{name} moved.");
        }
        Assert.Equal(after.Read("head.weight").data<float>().ToArray(), adapter.Read("head.weight").data<float>().ToArray());
        Assert.Equal(10, adapter.Names.Count);
    }

    [Fact]
    public void What_was_trained_is_a_small_file_and_so_is_a_checkpoint()
    {
        var (run, _) = TrainJob.Run(Lora, new() { Folder = At("run") });
        var (small, whole) = (new FileInfo(run.Adapter).Length, new FileInfo(run.Model).Length);
        Assert.True(small < whole / 20, $"{small} of {whole} bytes");
        foreach (var file in Directory.GetFiles(run.Checkpoints, "step-*.safetensors").Append(Path.Combine(run.Checkpoints,
            "best.safetensors")))
            Assert.True(new FileInfo(file).Length < whole / 8, Path.GetFileName(file));
        using var adapter = Safetensors.Open(run.Adapter);
        Assert.Equal(("2", "3", "attn", "./trunk.safetensors"), (adapter.Metadata["lora_rank"], adapter.Metadata["lora_alpha"],
            adapter.Metadata["lora_layers"], adapter.Metadata["weights"]));
    }

    [Fact, Trait("Slow", "1")]
    public void A_run_that_was_stopped_goes_on_to_the_adapters_it_would_have_had_to_the_bit()
    {
        foreach (var (name, recipe) in (ReadOnlySpan<(string, Recipe)>)[("last", Lora with { Ema = 0.9, CheckpointActivations = true }),
            ("best", Lora with { FinalWeights = FinalWeights.Best, MicroBatch = 2, DropPath = 0.2 })])
        {
            var (whole, _) = TrainJob.Run(recipe, new() { Folder = At($"whole-{name}") });
            using var stop = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => TrainJob.Run(recipe,
                new() { Folder = At($"stopped-{name}"), Progress = new Stopper(3, stop) }, stop.Token));
            var (resumed, _) = TrainJob.Resume(At($"stopped-{name}"));
            Assert.Equal(File.ReadAllBytes(whole.Adapter), File.ReadAllBytes(resumed.Adapter));
            Assert.Equal(File.ReadAllBytes(whole.Model), File.ReadAllBytes(resumed.Model));
        }
    }

    [Theory]
    [InlineData(Model)]
    [InlineData("beit3_base_patch16_224:patch=8,width=24,depth=2,heads=2")]
    public void The_small_file_beside_its_trunk_is_the_whole_model_to_the_bit(string model)
    {
        var (run, results) = TrainJob.Run(Lora with { Model = model, Weights = Trunk(model), LoraLayers = "all" },
            new() { Folder = At("run") });
        var file = Path.Combine(Directory.CreateDirectory(At("shared")).FullName, "adapter.safetensors");
        File.Copy(run.Adapter, file);
        var alone = Assert.Throws<CheckpointException>(() => Classifier.Load(file));
        Assert.Contains("holds adapters of the weights './trunk.safetensors', which are not here; put them (SHA-256 ", alone.Message);
        Assert.Contains(") beside it, or take model.safetensors of the run, which is whole.", alone.Message);

        var trunk = Path.Combine(At("shared"), "trunk.safetensors");
        File.Copy(Trunk(model), trunk);
        using (var loaded = RunModel.Load(file, "cpu"))
            loaded.Save(At("again.safetensors"));
        using (var scope = NewDisposeScope())
        {
            using var whole = Safetensors.Open(run.Model);
            using var again = Safetensors.Open(At("again.safetensors"));
            Assert.Equal(whole.Names.Order(), again.Names.Order());
            Assert.All(whole.Names, name => Assert.True(whole.Read(name).Equals(again.Read(name)), name));
            Assert.Equal(whole.Metadata["sha256"], again.Metadata["sha256"]);
        }
        Assert.Equal(results.Metrics["top1"], EvaluateJob.Run(run.Root).Metrics["top1"]);

        var bytes = File.ReadAllBytes(trunk);
        bytes[^5] ^= 1;
        File.WriteAllBytes(trunk, bytes);
        Assert.Matches(@"holds adapters of weights with SHA-256 \w{64}, and '.*trunk.safetensors' are others; put the right ones",
            Assert.Throws<CheckpointException>(() => Classifier.Load(file)).Message);
    }

    [Fact]
    public void Both_files_are_exported_with_the_adapters_merged()
    {
        var (run, _) = TrainJob.Run(Lora, new() { Folder = At("run") });
        Assert.True(ExportJob.Run(run.Root, At("run.onnx")).Parity.Passed);
        File.Copy(Trunk(Model), Path.Combine(run.Root, "trunk.safetensors"));
        Assert.True(ExportJob.Run(run.Adapter, At("adapter.onnx")).Parity.Passed);
        using var whole = Classifier.Load(run.Root);
        using var exported = Classifier.Load(At("run.onnx"));
        var image = Path.Combine(photos.Data, "red", "1.png");
        Assert.Equal(whole.Predict(image).Top[0].Probability, exported.Predict(image).Top[0].Probability, 1e-4);
    }

    [Fact]
    public void Training_goes_on_from_the_small_file_with_new_adapters()
    {
        var (run, _) = TrainJob.Run(Lora, new() { Folder = At("run") });
        File.Copy(Trunk(Model), Path.Combine(run.Root, "trunk.safetensors"));
        var weights = InitialWeights.Find(run.Adapter, Model);
        using var model = TrainingPlan.NewClassifier(Lora, 2, 32);
        weights.Into(model, keepHead: true, null);
        using var scope = NewDisposeScope();
        using var whole = Safetensors.Open(run.Model);
        foreach (var (name, tensor) in model.Merged())
            Assert.True(tensor.Equals(whole.Read(name)), name);
    }

    [Fact]
    public void Adapters_of_a_convolutional_net_or_of_random_weights_are_refused_before_anything_is_made()
    {
        Assert.Equal("lora puts adapters beside the linear layers of a transformer, and resnet18 is none; leave out --lora, or choose a " +
            "transformer, vit_small_patch16_224 for instance.", Refusal(Lora with { Model = "resnet18", Weights = "default" }));
        Assert.Equal($"lora leaves the trunk as it is, and the weights of {Model} are random; name weights, --weights default for " +
            "instance, or leave out --lora.", Refusal(Lora with { Weights = "none" }));
        Assert.Equal("lora-alpha says how adapters are made, and without lora there are none; set --lora RANK too, or leave it out.",
            Refusal(Lora with { Lora = null }));
        Assert.False(Directory.Exists(At("refused")));
        Assert.Equal("lora puts adapters beside the linear layers of a transformer, and resnet18 is none; leave out --lora, or choose a " +
            "transformer, vit_small_patch16_224 for instance.",
            Assert.Throws<SchaneException>(() => RecipeCheck.Run(Lora with { Model = "resnet18", InputSize = null })).Message);
    }

    [Fact]
    public void A_resolved_recipe_says_what_was_left_open()
    {
        var (run, _) = TrainJob.Run(Lora with { LoraAlpha = null, Steps = 1 }, new() { Folder = At("run") });
        var recipe = RecipeFile.Load(run.Recipe);
        Assert.Equal((2, 2.0, "attn", 1.0), (recipe.Lora, recipe.LoraAlpha, recipe.LoraLayers, recipe.TrunkRate));
    }

    private string Refusal(Recipe recipe) =>
        Assert.Throws<SchaneException>(() => TrainJob.Run(recipe, new() { Folder = At("refused") })).Message;

    /// <summary>A file of weights of a model, made once.</summary>
    private string Trunk(string model)
    {
        var path = Path.Combine(Directory.CreateDirectory(At(model == Model ? "weights" : "weights-too")).FullName, "trunk.safetensors");
        if (File.Exists(path))
            return path;
        using var scope = NewDisposeScope();
        using var trunk = new ImageClassifier(ModelRegistry.Create(model, seed: 5, inputSize: 32), 2);
        Safetensors.Write(path, trunk.Backbone.Published(trunk.StateDict()));
        return path;
    }

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class Stopper(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Message: null } && value.Step == step)
                stop.Cancel();
        }
    }
}
