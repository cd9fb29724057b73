using System.Runtime.InteropServices;
using Schane.Checkpoints.Onnx;
using static Schane.Checkpoints.Onnx.TensorProto.Types;

namespace Schane.Tests.Export;

/// <summary>An ONNX file of small residual nets and linear layers, run node by node in float64 as the operators are defined, with nothing
/// fused and no sum cut off: what an int8 file has to mean on every machine.</summary>
internal sealed class Float64Graph
{
    private readonly GraphProto graph;
    private readonly Dictionary<string, Values> constants;

    public Float64Graph(string path)
    {
        graph = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)).Graph;
        constants = graph.Initializer.ToDictionary(c => c.Name, Constant);
    }

    /// <summary>Numbers of a constant of the file, as they stand there.</summary>
    public double[] Constant(string name) => constants[name].Numbers;

    /// <summary>The outputs for images of a shape.</summary>
    public Dictionary<string, double[]> Run(float[] images, params int[] shape)
    {
        var known = new Dictionary<string, Values>(constants) { ["images"] = new(shape, [.. images.Select(v => (double)v)]) };
        foreach (var node in graph.Node)
            known[node.Output[0]] = Compute(node, [.. node.Input.Select(input => known[input])]);
        return graph.Output.ToDictionary(o => o.Name, o => known[o.Name].Numbers);
    }

    private static Values Compute(NodeProto node, Values[] x) => node.OpType switch
    {
        "QuantizeLinear" => x[0].Map((v, _) => Math.Clamp(Math.Round((float)v / (float)x[1].Numbers[0]) + x[2].Numbers[0], 0, 255)),
        "DequantizeLinear" => x[0].Map((v, at) => (v - (x.Length > 2 ? x[2].Numbers[0] : 0))
            * x[1].Numbers[x[1].Numbers.Length == 1 ? 0 : at / (x[0].Numbers.Length / x[0].Shape[0])]),
        "Relu" => x[0].Map((v, _) => Math.Max(v, 0)),
        "Add" => x[0].Map((v, at) => v + x[1].Numbers[at]),
        "Flatten" => x[0] with { Shape = [x[0].Shape[0], x[0].Numbers.Length / x[0].Shape[0]] },
        "GlobalAveragePool" => new([x[0].Shape[0], x[0].Shape[1], 1, 1],
            [.. x[0].Numbers.Chunk(x[0].Shape[2] * x[0].Shape[3]).Select(map => map.Average())]),
        "MaxPool" => Slide(node, x[0], x[0].Shape[1], (int)Number(node, "kernel_shape"), (b, c, y, z, y0, z0) =>
            (from dy in Enumerable.Range(0, (int)Number(node, "kernel_shape"))
             from dz in Enumerable.Range(0, (int)Number(node, "kernel_shape"))
             select x[0].At(b, c, y0 + dy, z0 + dz, double.NegativeInfinity)).Max()),
        "Conv" => Conv(node, x[0], x[1], x.Length > 2 ? x[2] : null),
        "Gemm" => Gemm(x[0], x[1], x[2]),
        _ => throw new InvalidOperationException($"{node.OpType} is not known to this oracle."),
    };

    private static Values Conv(NodeProto node, Values x, Values weight, Values? bias)
    {
        var (outputs, inputs, kernel) = (weight.Shape[0], weight.Shape[1], weight.Shape[2]);
        return Slide(node, x, outputs, kernel, (b, o, _, _, y0, z0) =>
        {
            var sum = bias?.Numbers[o] ?? 0;
            for (var i = 0; i < inputs; i++)
                for (var dy = 0; dy < kernel; dy++)
                    for (var dz = 0; dz < kernel; dz++)
                        sum += weight.At(o, i, dy, dz, 0) * x.At(b, o / (outputs * inputs / x.Shape[1]) * inputs + i, y0 + dy, z0 + dz, 0);
            return sum;
        });
    }

    private static Values Slide(NodeProto node, Values x, int outputs, int kernel, Func<int, int, int, int, int, int, double> at)
    {
        var (stride, pad) = ((int)Number(node, "strides"), (int)Number(node, "pads"));
        var side = (x.Shape[2] + 2 * pad - kernel) / stride + 1;
        return new([x.Shape[0], outputs, side, side], [.. from b in Enumerable.Range(0, x.Shape[0])
                                                          from o in Enumerable.Range(0, outputs)
                                                          from y in Enumerable.Range(0, side)
                                                          from z in Enumerable.Range(0, side)
                                                          select at(b, o, y, z, y * stride - pad, z * stride - pad)]);
    }

    private static Values Gemm(Values x, Values weight, Values bias)
    {
        var (rows, inputs, outputs) = (x.Shape[0], weight.Shape[1], weight.Shape[0]);
        var y = new double[rows * outputs];
        for (var r = 0; r < rows; r++)
            for (var o = 0; o < outputs; o++)
            {
                y[r * outputs + o] = bias.Numbers[o];
                for (var i = 0; i < inputs; i++)
                    y[r * outputs + o] += x.Numbers[r * inputs + i] * weight.Numbers[o * inputs + i];
            }
        return new([rows, outputs], y);
    }

    private static long Number(NodeProto node, string name) => node.Attribute.Single(a => a.Name == name).Ints[0];

    private static Values Constant(TensorProto constant)
    {
        var raw = constant.RawData.Span;
        double[] numbers = (DataType)constant.DataType switch
        {
            DataType.Float => [.. MemoryMarshal.Cast<byte, float>(raw).ToArray().Select(v => (double)v)],
            DataType.Int32 => [.. MemoryMarshal.Cast<byte, int>(raw).ToArray().Select(v => (double)v)],
            DataType.Int8 => [.. MemoryMarshal.Cast<byte, sbyte>(raw).ToArray().Select(v => (double)v)],
            DataType.Uint8 => [.. raw.ToArray().Select(v => (double)v)],
            DataType.Int64 => [.. MemoryMarshal.Cast<byte, long>(raw).ToArray().Select(v => (double)v)],
            var type => throw new InvalidOperationException($"{constant.Name} is {type}."),
        };
        return new([.. constant.Dims.Select(d => (int)d)], numbers);
    }

    private sealed record Values(int[] Shape, double[] Numbers)
    {
        public Values Map(Func<double, int, double> map) => this with { Numbers = [.. Numbers.Select(map)] };

        public double At(int a, int b, int c, int d, double outside) => c < 0 || d < 0 || c >= Shape[2] || d >= Shape[3] ? outside
            : Numbers[((a * Shape[1] + b) * Shape[2] + c) * Shape[3] + d];
    }
}
