using Schane.Checkpoints;
using Schane.Distributed;
using Schane.Runs;
using Schane.Tests.Data;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Training;

public sealed class CheckpointStoreTests : IDisposable
{
    private static readonly RunIdentity Identity = new("net", "2 a", "9 b", "3 c");

    private readonly TemporaryFolder folder = new();

    private readonly RunFolder run;

    public CheckpointStoreTests() => run = RunFolder.Create(Path.Combine(folder.Path, "run"), force: false);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_best_stays_whole_while_a_better_one_is_being_written()
    {
        using var scope = NewDisposeScope();
        var store = new CheckpointStore(run, Identity, keep: 2, new SingleProcess());
        store.SaveBest(new() { Step = 1 }, Of(1));
        // whoever writes now fails, as on a full disk
        Directory.CreateDirectory(Path.Combine(run.Checkpoints, "best.safetensors.next"));
        Assert.ThrowsAny<Exception>(() => store.SaveBest(new() { Step = 2 }, Of(2)));
        Assert.Equal(1, Best(store));
    }

    [Fact]
    public void A_folder_is_flushed_where_there_is_one_and_a_missing_one_is_let_be()
    {
        FolderFlush.Of(run.Checkpoints);
        FolderFlush.Of("");
        FolderFlush.Of(Path.Combine(run.Checkpoints, "not there"));
    }

    [Fact]
    public void A_process_that_dies_between_the_hash_and_the_file_loses_neither()
    {
        using var scope = NewDisposeScope();
        var store = new CheckpointStore(run, Identity, keep: 2, new SingleProcess());
        store.SaveBest(new() { Step = 1 }, Of(1));
        var hash = Path.Combine(run.Checkpoints, "best.safetensors.sha256");
        // the new hash stands first, the old file still
        File.WriteAllText(hash, new string('0', 64) + "\n" + File.ReadAllText(hash));
        Assert.Equal(1, Best(store));
        store.SaveBest(new() { Step = 2 }, Of(2));
        Assert.Equal(2, Best(store));
        Assert.Single(File.ReadAllLines(hash));
    }

    [Fact]
    public void Checkpoints_that_are_hashed_while_training_goes_on_are_whole_and_one_that_fails_is_told_by_the_next()
    {
        using var scope = NewDisposeScope();
        using (var store = new CheckpointStore(run, Identity, keep: 2, new SingleProcess()))
            for (var step = 1; step <= 4; step++)
            {
                var tensors = Of(step);
                store.Save(new() { Step = step }, tensors, goesOn: true);
                foreach (var tensor in tensors.Values)
                    tensor.zero_();                                        // as training changes them
            }
        using var failing = new CheckpointStore(run, Identity, keep: 2, new SingleProcess());
        var found = Of(0);
        Assert.Equal(4, failing.Restore(found, acceptChangedData: false, warning => Assert.Fail(warning))!.Step);
        Assert.Equal(4, found.First().Value.max().to_type(ScalarType.Float64).item<double>());
        Assert.Equal(2, Directory.EnumerateFiles(run.Checkpoints, "step-*.safetensors").Count());
        Directory.CreateDirectory(Path.Combine(run.Checkpoints, "step-00000005.safetensors.sha256"));
        failing.Save(new() { Step = 5 }, Of(5), goesOn: true);
        Assert.ThrowsAny<Exception>(() => failing.Save(new() { Step = 6 }, Of(6), goesOn: true));
    }

    [Fact]
    public void What_a_killed_process_was_writing_is_cleared_away_when_the_run_goes_on()
    {
        using var scope = NewDisposeScope();
        var store = new CheckpointStore(run, Identity, keep: 2, new SingleProcess());
        store.Save(new() { Step = 4 }, Of(4));
        foreach (var name in (string[])["step-00000005.safetensors.next", "step-00000005.safetensors.next.77.tmp"])
            File.WriteAllText(Path.Combine(run.Checkpoints, name), "half");
        Assert.Equal(4, store.Restore(Of(0), acceptChangedData: false, _ => { })!.Step);
        Assert.Equal(["step-00000004.safetensors", "step-00000004.safetensors.sha256"],
            Directory.GetFiles(run.Checkpoints).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("other", "2 a", "9 b", "3 c", "is of net, but the recipe makes other")]
    [InlineData("net", "3 d", "9 b", "3 c", "was trained on 2 classes and the data now have 3")]
    [InlineData("net", "2 a", "8 d", "3 c", "9 training images then, 8 now")]
    [InlineData("net", "2 a", "9 d", "3 c", "9 training images then, 9 others now")]
    [InlineData("net", "2 a", "9 b", "3 d", "batches in another order")]
    public void A_checkpoint_of_something_else_is_refused_by_what_differs(string architecture, string classes,
        string data, string order, string words)
    {
        using var scope = NewDisposeScope();
        new CheckpointStore(run, Identity, keep: 2, new SingleProcess()).Save(new() { Step = 4 }, Of(4));
        var other = new CheckpointStore(run, new(architecture, classes, data, order), keep: 2, new SingleProcess());
        Assert.Contains(words, Assert.Throws<SchaneException>(() => other.Restore(Of(0), acceptChangedData: false, _ => { })).Message);
    }

    private static Dictionary<string, Tensor> Of(double value) => new() { ["w"] = full(3, value) };

    private static double Best(CheckpointStore store)
    {
        var weights = Of(0);
        store.RestoreBest(weights);
        return weights["w"][0].ToDouble();
    }
}
