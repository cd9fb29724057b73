using Schane.Checkpoints.Onnx;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Export;

// C outputs of a layer.

/// <summary>
/// Static quantisation in ONNX's own QuantizeLinear and DequantizeLinear (QDQ), which a runtime fuses with the convolutions and linear
/// layers between them. x ≈ scale · (q − zero): activations in 8 bits without sign, one scale a value; weights symmetric, one scale an
/// output; biases in 32 bits.
/// </summary>
internal sealed partial class OnnxGraph
{
    /// <summary>
    /// Weights lie in ±63, which is 7 bits. Processors with AVX2 or AVX-512 but without VNNI add two products of 8 bits in 16 bits, where
    /// they saturate: 2 · 255 · 127 does not fit, 2 · 255 · 63 does. So a file is right on every machine (docs/deployment.md).
    /// </summary>
    public const int LargestWeight = 63;

    /// <summary>Biases in units of their scale stay below this, so that they and the products fit 32 bits.</summary>
    private const double LargestBias = 1 << 30;

    /// <summary>
    /// The values that stand in 8 bits, each with the one whose range it has: what convolutions and linear layers read, what convolutions
    /// give (behind their Relu), sums of two such values, and largest values of them, which lie among them.
    /// </summary>
    public IReadOnlyDictionary<string, string> ValuesInInt8()
    {
        var readers = Proto.Node.SelectMany(node => node.Input.Distinct().Select(input => (input, node)))
            .ToLookup(pair => pair.input, pair => pair.node);
        var values = new Dictionary<string, string>();
        foreach (var node in Proto.Node)
        {
            if (IsLayer(node))
                values.TryAdd(node.Input[0], node.Input[0]);
            if (node.OpType == "Conv" && IsLayer(node) || node.OpType == "Add" && node.Input.All(values.ContainsKey))
            {
                var given = readers[node.Output[0]].ToList() is [{ OpType: "Relu" } relu] ? relu.Output[0] : node.Output[0];
                values.TryAdd(given, given);
            }
            if (node.OpType == "MaxPool" && values.TryGetValue(node.Input[0], out var source))
                values.TryAdd(node.Output[0], source);
        }
        return values;
    }

    /// <summary>Makes values outputs too, so that a runtime gives them.</summary>
    public void Expose(IEnumerable<string> values) =>
        Proto.Output.Add(values.Except(Proto.Output.Select(o => o.Name)).Select(name => new ValueInfoProto
        { Name = name, Type = new() { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float } } }));

    /// <summary>Puts the graph into whole numbers.</summary>
    /// <param name="ranges">Scale and zero of each of <see cref="ValuesInInt8"/> that has a range of its own.</param>
    public void Quantize(IReadOnlyDictionary<string, Int8Range> ranges)
    {
        var values = ValuesInInt8();
        var nodes = Proto.Node.ToList();
        Proto.Node.Clear();
        foreach (var input in Proto.Input.Where(i => values.ContainsKey(i.Name)))
            InInt8(input.Name, ranges[values[input.Name]]);
        foreach (var node in nodes)
        {
            if (IsLayer(node))
                Quantize(node, ranges[values[node.Input[0]]].Scale);
            for (var i = 0; i < node.Input.Count; i++)
                if (values.ContainsKey(node.Input[i]))
                    node.Input[i] = Again(node.Input[i]);
            Proto.Node.Add(node);
            if (values.TryGetValue(node.Output[0], out var source))
                InInt8(node.Output[0], ranges[source]);
        }
    }

    private bool IsLayer(NodeProto node) => node.OpType is "Conv" or "Gemm" && weights.ContainsKey(node.Input[1]);

    private static string Again(string value) => $"{value}:again";

    /// <summary>A value in 8 bits and back.</summary>
    private void InInt8(string value, Int8Range range)
    {
        var (scale, zero) = ($"{value}:scale", $"{value}:zero");
        weights.Add(scale, new(scale, [], ScalarType.Float32, () => tensor(range.Scale)));
        weights.Add(zero, new(zero, [], ScalarType.Byte, () => tensor(range.Zero)));
        Node("DequantizeLinear", [Node("QuantizeLinear", [value, scale, zero], $"{value}:uint8"), scale, zero], Again(value));
    }

    /// <summary>Weight and bias of a layer in whole numbers.</summary>
    private void Quantize(NodeProto node, float inputScale)
    {
        var weight = weights[node.Input[1]];
        var bias = node.Input.Count > 2 ? weights[node.Input[2]] : null;
        var scales = WeightScales(weight, bias, inputScale);
        node.Input[1] = Whole(weight, ScalarType.Int8, scales, LargestWeight);
        if (bias is not null)
            node.Input[2] = Whole(bias, ScalarType.Int32, [.. scales.Select(scale => scale * inputScale)], LargestBias);
    }

    /// <summary>[C]: the largest weight of each output is <see cref="LargestWeight"/>, unless its bias would not fit then.</summary>
    private static float[] WeightScales(OnnxWeight weight, OnnxWeight? bias, float inputScale)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var largest = weight.Make().to(ScalarType.Float64).reshape(weight.Shape[0], -1).abs().amax([1]) / LargestWeight;
        if (bias is not null)
            largest = largest.maximum(bias.Make().to(ScalarType.Float64).abs() / (inputScale * LargestBias));
        return [.. Copy.Floats(largest).Select(scale => scale > 0 ? scale : 1)];
    }

    private string Whole(OnnxWeight weight, ScalarType type, float[] scales, double most)
    {
        var (name, scale, zero) = (weight.Name, $"{weight.Name}:scale", $"{weight.Name}:zero");
        weights[name] = weight with
        {
            Type = type,
            Make = () => (weight.Make().to(ScalarType.Float64)
                / tensor(scales, [scales.Length, .. Enumerable.Repeat(1L, weight.Shape.Length - 1)]).to(ScalarType.Float64))
                .round().clamp(-most, most),
        };
        weights.Add(scale, new(scale, [scales.Length], ScalarType.Float32, () => tensor(scales)));
        if (type == ScalarType.Int8)                                      // ONNX Runtime fuses a Gemm only where its zeros are written out
            weights.Add(zero, new(zero, [scales.Length], type, () => zeros(scales.Length)));
        return Node("DequantizeLinear", type == ScalarType.Int8 ? [name, scale, zero] : [name, scale], $"{name}:float32", Int("axis", 0));
    }
}
