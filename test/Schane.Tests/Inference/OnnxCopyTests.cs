using Schane.Export;
using Schane.Inference;
using Schane.Models;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Verification;
using static TorchSharp.torch;

namespace Schane.Tests.Inference;

/// <summary>A run is computed by ONNX Runtime from a copy in the cache folder.</summary>
[Collection(TrainedRunTests.Name)]
public sealed class OnnxCopyTests(TrainedRun run) : IDisposable
{
    private const double Never = 0, Always = double.PositiveInfinity;    // libtorch, of how much of ONNX Runtime's time

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_copy_of_the_first_load_is_found_by_the_next_and_gives_what_libtorch_gives()
    {
        Assert.Null(OnnxCopy.Find(Weights, Cache));
        using var made = Make(Never);
        using var found = OnnxCopy.Find(Weights, Cache);
        foreach (var rows in (int[])[1, 5])
        {
            var (expected, pixels) = (Torch(rows), Pixels(rows));
            foreach (var pass in (IModelPass[])[made!, found!])
            {
                var (embeddings, logits) = pass.Run(pixels, rows);
                Assert.Equal(0, expected.Embeddings.Zip(embeddings, (a, b) => Math.Abs(a - b)).Max(), 1e-4);
                Assert.Equal(0, expected.Logits.Zip(logits, (a, b) => Math.Abs(a - b)).Max(), 1e-4);
            }
        }
    }

    [Fact]
    public void What_it_says_of_itself_is_what_the_run_says()
    {
        using var made = Make(Never);
        using var torch = new TorchPass(RunModel.Load(Weights, "cpu"), CPU);
        Assert.Equal(torch.Card.Classes, made!.Card.Classes);
        Assert.Equal((torch.Card.Architecture, torch.Card.Augmentation, torch.Card.Width, torch.Card.Confidence!.Temperature),
            (made.Card.Architecture, made.Card.Augmentation, made.Card.Width, made.Card.Confidence!.Temperature));
        Assert.Equal((torch.Card.Input.Size, torch.Card.Input.Channels), (made.Card.Input.Size, made.Card.Input.Channels));
        Assert.Equal(torch.Card.Input.Mean, made.Card.Input.Mean);
    }

    [Fact]
    public void Where_libtorch_is_faster_there_is_no_copy_and_that_is_remembered()
    {
        Assert.Null(Make(Always));
        Assert.Empty(Directory.GetFiles(Cache, "*.onnx*", SearchOption.AllDirectories));
        Assert.Null(OnnxCopy.Find(Weights, Cache));
        Assert.Null(Make(Never));
    }

    [Theory]
    [InlineData(0.95, 0.95, true, null)]
    [InlineData(0.95, 0.8, true, 4)]
    [InlineData(0.8, 0.8, true, 1)]
    [InlineData(0.8, 0.95, true, null)]
    [InlineData(5, 5, false, 1)]
    public void Libtorch_computes_what_it_is_clearly_faster_at_and_all_where_the_copy_is_wrong(
        double one, double many, bool agrees, int? from) =>
        Assert.Equal(from, OnnxCopy.TorchFrom(new(one, 1, true), new(many, 1, agrees)));

    [Fact]
    public void Libtorch_is_loaded_for_the_first_pass_that_it_computes()
    {
        Make(Never)!.Dispose();
        var file = Directory.GetFiles(Cache, "model.onnx", SearchOption.AllDirectories).Single();
        var loads = 0;
        using var pass = new CopiedPass(new(OnnxModel.Open(file), file), torchFrom: 4, () =>
        {
            loads++;
            return new(RunModel.Load(Weights, "cpu"), CPU);
        });
        pass.Run(Pixels(3), 3);
        Assert.Equal(0, loads);
        Assert.Equal(Torch(4).Logits, pass.Run(Pixels(4), 4).Logits);
        pass.Run(Pixels(5), 5);
        Assert.Equal(1, loads);
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("gone")]
    [InlineData("cut")]
    public void A_copy_that_is_not_what_was_written_is_made_anew(string how)
    {
        Make(Never)!.Dispose();
        var file = Directory.GetFiles(Cache, "model.onnx", SearchOption.AllDirectories).Single();
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        if (how == "gone")
            File.Delete(file);
        else
            File.WriteAllBytes(file, how == "cut" ? bytes[..100] : bytes);
        Assert.Null(OnnxCopy.Find(Weights, Cache));
        using var again = Make(Never);
        using var found = OnnxCopy.Find(Weights, Cache);
        Assert.Equal(again!.Run(Pixels(1), 1).Logits, found!.Run(Pixels(1), 1).Logits);
    }

    [Fact]
    public void A_file_that_has_changed_has_no_copy()
    {
        var weights = folder.Write("model.safetensors", File.ReadAllBytes(Weights));
        OnnxCopy.Make(RunModel.Load(weights, "cpu"), weights, Cache, Never)!.Dispose();
        File.SetLastWriteTimeUtc(weights, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Null(OnnxCopy.Find(weights, Cache));
    }

    [Fact]
    public void The_copy_of_a_run_that_is_gone_goes_with_the_next()
    {
        var weights = folder.Write("model.safetensors", File.ReadAllBytes(Weights));
        OnnxCopy.Make(RunModel.Load(weights, "cpu"), weights, Cache, Never)!.Dispose();
        Make(Never)!.Dispose();
        Assert.Equal(2, Directory.GetDirectories(Path.Combine(Cache, "copies")).Length);
        File.Delete(weights);
        Directory.Delete(Path.GetDirectoryName(Directory.GetFiles(Cache, "copy.json", SearchOption.AllDirectories)
            .Single(note => File.ReadAllText(note).Contains(run.Folder, StringComparison.Ordinal)))!, recursive: true);
        Make(Never)!.Dispose();
        Assert.Single(Directory.GetDirectories(Path.Combine(Cache, "copies")));
    }

    [Fact]
    public void Neither_a_trunk_without_a_graph_nor_a_cache_that_cannot_be_written_is_an_error()
    {
        using var scope = NewDisposeScope();
        var net = new FaultyNet(Fault.None);
        net.Initialise(1);
        using var own = new RunModel(new ImageClassifier(net, 2), ["a", "b"], "none");
        own.Classifier.eval();
        Assert.Null(OnnxCopy.Make(own, Weights, Cache, Never));
        Assert.Empty(Directory.GetDirectories(Path.Combine(Cache, "copies")));
        using var model = RunModel.Load(Weights, "cpu");
        Assert.Null(OnnxCopy.Make(model, Weights, folder.Write("taken", []), Never));
    }

    [Fact, Trait("Long", "1")]
    public void The_second_prediction_of_a_run_does_not_load_libtorch_and_says_the_same()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The dynamic linker of Linux says what is loaded.");
        (string Output, bool Torch) Predict(string name)
        {
            var log = Path.Combine(folder.Path, name);
            var ended = SchaneProgram.RunWith([("SCHANE_CACHE", Cache), ("LD_DEBUG", "files"), ("LD_DEBUG_OUTPUT", log)],
                "predict", run.Folder, run.Red);
            Assert.Equal(0, ended.ExitCode);
            return (ended.Output, Directory.GetFiles(folder.Path, $"{name}.*").Any(file => File.ReadLines(file).Any(line =>
                line.Contains("calling init", StringComparison.Ordinal) && line.Contains("torch_cpu", StringComparison.Ordinal))));
        }
        var (first, second) = (Predict("first"), Predict("second"));
        Assert.Equal((true, false), (first.Torch, second.Torch));
        Assert.Equal(first.Output, second.Output);
    }

    private string Weights => Path.Combine(run.Folder, "model.safetensors");

    private string Cache => Path.Combine(folder.Path, "cache");

    private IModelPass? Make(double clearly)
    {
        var model = RunModel.Load(Weights, "cpu");
        var made = OnnxCopy.Make(model, Weights, Cache, clearly);
        if (made is null)
            model.Dispose();
        return made;
    }

    private (float[] Embeddings, float[] Logits) Torch(int rows)
    {
        using var pass = new TorchPass(RunModel.Load(Weights, "cpu"), CPU);
        return pass.Run(Pixels(rows), rows);
    }

    private float[] Pixels(int rows)
    {
        using var model = RunModel.Load(Weights, "cpu");
        var random = new Random(rows);
        return [.. Enumerable.Range(0, rows * model.Input.Channels * model.Input.Size * model.Input.Size)
            .Select(_ => (float)random.NextDouble() - 0.5f)];
    }
}
