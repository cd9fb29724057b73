using Schane.Inference;
using Schane.Models;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Verification;
using Schane.Verification;
using static TorchSharp.torch;

namespace Schane.Tests.Inference;

/// <summary>A model is proven once as it is loaded, and remembered.</summary>
[Collection(TrainedRunTests.Name)]
public sealed class LoadProofTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_model_that_was_proven_is_not_proven_again_until_its_file_changes()
    {
        var file = folder.Write("model.safetensors", new byte[100]);
        Assert.Null(Require(Fault.None, file));
        Assert.Single(Directory.GetFiles(Path.Combine(Cache, "proofs")));
        Assert.Null(Require(Fault.Float32, file));                        // not looked at
        folder.Write("model.safetensors", new byte[101]);
        Assert.Equal("fc2", Assert.Throws<WrongArithmeticException>(() => Require(Fault.Float32, file)).Layer);
    }

    [Fact]
    public void A_fault_is_remembered_by_nobody()
    {
        var file = folder.Write("model.safetensors", [1]);
        Assert.Throws<WrongArithmeticException>(() => Require(Fault.BatchesOnly, file));
        Assert.Throws<WrongArithmeticException>(() => Require(Fault.BatchesOnly, file));
        Assert.False(Directory.Exists(Path.Combine(Cache, "proofs")));
    }

    [Fact]
    public void The_proof_of_another_device_does_not_hold()
    {
        var file = folder.Write("model.safetensors", [1]);
        Assert.Null(Require(Fault.None, file));
        Assert.Throws<WrongArithmeticException>(() => Require(Fault.Float32, file, device: "cuda:7"));
    }

    [Fact]
    public void A_note_that_was_cut_off_counts_as_none()
    {
        var file = folder.Write("model.safetensors", [1]);
        Assert.Null(Require(Fault.None, file));
        File.WriteAllText(Directory.GetFiles(Path.Combine(Cache, "proofs"))[0], "{\"Err");
        Assert.Throws<WrongArithmeticException>(() => Require(Fault.Float32, file));
    }

    [Fact]
    [Trait("Long", "1")]
    public void Predict_remembers_in_the_cache_folder_unless_told_to_leave_the_proof_out()
    {
        Assert.Equal(0, SchaneProgram.RunWith([("SCHANE_CACHE", Cache)], "predict", run.Folder, run.Red, "--no-proof").ExitCode);
        Assert.False(Directory.Exists(Cache));
        Assert.Equal(0, SchaneProgram.RunWith([("SCHANE_CACHE", Cache)], "predict", run.Folder, run.Red).ExitCode);
        Assert.Single(Directory.GetFiles(Path.Combine(Cache, "proofs")));
    }

    [Fact]
    [Trait("Long", "1")]
    public void A_cache_folder_that_cannot_be_written_is_named_once_and_the_answer_given()
    {
        var taken = folder.Write("taken", []);
        var ended = SchaneProgram.RunWith([("SCHANE_CACHE", taken)], "predict", run.Folder, run.Red);
        Assert.Equal(0, ended.ExitCode);
        Assert.Single(ended.Errors.Split('\n'), line => line.Contains(taken) && line.Contains("SCHANE_CACHE"));
        Assert.Contains("red", ended.Output, StringComparison.Ordinal);
    }

    private string Cache => Path.Combine(folder.Path, "cache");

    private string? Require(Fault fault, string file, string device = "cpu")
    {
        using var _ = NewDisposeScope();
        var net = new FaultyNet(fault);
        net.Initialise(1);
        using var model = new RunModel(new ImageClassifier(net, 2), ["a", "b"], "none");
        model.Classifier.eval();
        return LoadProof.Require(model, file, device, Cache);
    }
}
