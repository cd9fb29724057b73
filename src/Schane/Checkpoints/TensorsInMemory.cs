using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>Tensors in memory in the place of a file. They stay their owner's; <see cref="Read"/> gives aliases.</summary>
internal sealed class TensorsInMemory(IReadOnlyDictionary<string, Tensor> tensors, string origin = "tensors in memory",
    IReadOnlyDictionary<string, string>? metadata = null) : ICheckpoint
{
    public string Origin => origin;

    public IReadOnlyCollection<string> Names => [.. tensors.Keys];

    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata ?? new Dictionary<string, string>();

    public long[] ShapeOf(string name) => Find(name).shape;

    public ScalarType TypeOf(string name) => Find(name).dtype;

    public Tensor Read(string name) => Find(name).detach();

    public void Dispose() { }

    private Tensor Find(string name) =>
        tensors.TryGetValue(name, out var tensor) ? tensor : throw new CheckpointException(origin, $"has no tensor '{name}'.");
}
