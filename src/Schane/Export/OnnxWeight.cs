using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>A constant of a graph. Its values are made when they are written, so that a file needs the memory of one
/// tensor beside the model.</summary>
/// <param name="Name">Name in the graph: that of the model's parameter where the values are the parameter's.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Type">Type of the elements in the file.</param>
/// <param name="Make">Values, of any number type; a tensor that the caller's dispose scope owns or the model does.</param>
internal sealed record OnnxWeight(string Name, long[] Shape, ScalarType Type, Func<Tensor> Make)
{
    /// <summary>Bytes of the values in the file.</summary>
    public long Bytes => Shape.Aggregate(1L, (product, size) => product * size) * Type.ElementSize();
}
