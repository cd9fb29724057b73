using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>Named tensors that are read one at a time: a file, the shards of one, or tensors in memory.</summary>
public interface ICheckpoint : IDisposable
{
    /// <summary>Path or address, for messages.</summary>
    string Origin { get; }

    /// <summary>Names of the tensors, in the order of the file.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>Texts beside the tensors; empty where the format has none.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Shape of a tensor, [] for a scalar.</summary>
    /// <exception cref="SchaneException">There is no tensor of that name.</exception>
    long[] ShapeOf(string name);

    /// <summary>Element type that <see cref="Read"/> gives.</summary>
    /// <exception cref="SchaneException">There is no tensor of that name.</exception>
    ScalarType TypeOf(string name);

    /// <summary>A new tensor on the CPU, owned by the caller's dispose scope.</summary>
    /// <exception cref="SchaneException">There is no tensor of that name, or its bytes can't be read.</exception>
    Tensor Read(string name);
}
