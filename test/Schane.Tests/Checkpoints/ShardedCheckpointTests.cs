using Schane.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints;

public sealed class ShardedCheckpointTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("schane-shards-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    public ShardedCheckpointTests()
    {
        Safetensors.Write(Path.Combine(folder, "model-1.safetensors"),
            new Dictionary<string, Tensor> { ["a"] = ones(2), ["extra"] = ones(1) });
        Safetensors.Write(Path.Combine(folder, "model-2.safetensors"), new Dictionary<string, Tensor> { ["b"] = zeros(3) });
    }

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Reads_each_tensor_from_the_file_the_index_names()
    {
        using var model = CheckpointFile.Open(
            Index("""{"metadata":{"total_size":20},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}"""));
        Assert.Equal(["a", "b"], model.Names.Order());
        Assert.Equal([3], model.ShapeOf("b"));
        Assert.Equal([1f, 1], model.Read("a").data<float>().ToArray());
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../model-1.safetensors"}}""", "not a file name beside it")]
    [InlineData("""{"weight_map":{"a":"/etc/passwd"}}""", "not a file name beside it")]
    [InlineData("""{"weight_map":{"a":7}}""", "not a file name beside it")]
    [InlineData("""{"weight_map":{"b":"model-1.safetensors"}}""", "which does not have it")]
    [InlineData("""{"weight_map":{"a":"model-9.safetensors"}}""", "does not exist")]
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","a":"model-1.safetensors"}}""", "twice")]
    [InlineData("""{"weights":{}}""", "no object weight_map")]
    [InlineData("""{"weight_map":""", "not JSON")]
    public void Refuses_an_index_that_breaks_a_rule(string json, string rule) =>
        Assert.Contains(rule, Assert.Throws<CheckpointException>(() => CheckpointFile.Open(Index(json)).Dispose()).Message);

    private string Index(string json)
    {
        var path = Path.Combine(folder, "model.safetensors.index.json");
        File.WriteAllText(path, json);
        return path;
    }
}
