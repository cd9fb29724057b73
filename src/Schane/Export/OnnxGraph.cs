using System.Globalization;
using Google.Protobuf.Collections;
using Schane.Checkpoints.Onnx;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>
/// A graph in ONNX's own operators while it is written. An operator is a method that adds a node and gives the name of its value. The batch
/// is the only size that isn't known, and it is always the -1 of a reshape: nothing asks for a shape.
/// </summary>
internal sealed partial class OnnxGraph
{
    /// <summary>Name of the dimension whose size is free.</summary>
    public const string Batch = "batch";

    private readonly (IReadOnlyDictionary<string, Tensor> Tensors, ScalarType Stored) model;
    private readonly string prefix = "";
    private readonly Dictionary<string, OnnxWeight> weights = [];
    private readonly Dictionary<string, int> used = [];
    private readonly Dictionary<string, string> reshaped = [];            // value of a reshape → what it reshapes

    /// <param name="opset">Version of the operators, 17 to 22.</param>
    /// <param name="state">The model's tensors by published name; they stay the model's.</param>
    /// <param name="stored">Type that matrices are stored in; the graph casts them to float32.</param>
    public OnnxGraph(int opset, IReadOnlyDictionary<string, Tensor> state, ScalarType stored = ScalarType.Float32) =>
        (Opset, model) = (opset, (state, stored));

    private OnnxGraph(OnnxGraph whole, string prefix) : this(whole.Opset, whole.model.Tensors, whole.model.Stored) =>
        (this.prefix, weights, used, reshaped, Proto) = (prefix, whole.weights, whole.used, whole.reshaped, whole.Proto);

    /// <summary>Nodes, inputs and outputs; the constants are apart in <see cref="Weights"/>.</summary>
    public GraphProto Proto { get; } = new() { Name = "schane" };

    /// <summary>The constants, in the order of their first use.</summary>
    public IReadOnlyCollection<OnnxWeight> Weights => weights.Values;
    public int Opset { get; }

    /// <summary>The same graph for a part of the model, whose tensors are named without what stands before them in the whole.</summary>
    public OnnxGraph Of(string part) => new(this, prefix + part);

    /// <summary>A tensor of the model.</summary>
    public Tensor State(string name) => model.Tensors[prefix + name];

    /// <summary>Whether the model has a tensor of that name.</summary>
    public bool Has(string name) => model.Tensors.ContainsKey(prefix + name);

    /// <summary>Declares an input [batch, sizes…] of float32.</summary>
    public string Input(string name, params long[] sizes)
    {
        Proto.Input.Add(Declared(name, sizes));
        return name;
    }

    /// <summary>Makes a value an output [batch, sizes…] of float32 and gives it its name.</summary>
    public void Output(string value, string name, params long[] sizes)
    {
        foreach (var node in Proto.Node)
        {
            Rename(node.Input, value, name);
            Rename(node.Output, value, name);
        }
        Proto.Output.Add(Declared(name, sizes));
    }

    /// <summary>Takes out nodes and constants whose values nobody reads: reshapes of what was reshaped again.</summary>
    public void Prune()
    {
        var read = Proto.Output.Select(o => o.Name).ToHashSet();
        for (var i = Proto.Node.Count - 1; i >= 0; i--)                   // readers stand after what they read
            if (Proto.Node[i].Output.Any(read.Contains))
                read.UnionWith(Proto.Node[i].Input);
            else
                Proto.Node.RemoveAt(i);
        foreach (var name in weights.Keys.Where(name => !read.Contains(name)).ToList())
            weights.Remove(name);
    }

    /// <summary>A parameter as it is.</summary>
    public string Weight(string name) => Weight(name, State(name).shape, () => State(name));

    /// <summary>A float32 constant that is no parameter.</summary>
    public string Constant(string name, long[] shape, Func<Tensor> make)
    {
        weights.TryAdd(name, new(name, shape, ScalarType.Float32, make));
        return name;
    }

    /// <summary>A constant computed from parameters. The same name again is the same constant.</summary>
    public string Weight(string name, long[] shape, Func<Tensor> make)
    {
        name = prefix + name;
        var type = shape.Length > 1 ? model.Stored : ScalarType.Float32;
        var known = weights.ContainsKey(name);
        weights.TryAdd(name, new(name, shape, type, make));
        var value = $"{name}:float32";
        return type == ScalarType.Float32
            ? name : known ? value : Node("Cast", [name], value, Int("to", (int)TensorProto.Types.DataType.Float));
    }

    /// <summary>A list of whole numbers as a constant.</summary>
    public string Numbers(string name, params long[] values)
    {
        weights.TryAdd(name, new(name, [values.Length], ScalarType.Int64, () => tensor(values)));
        return name;
    }

    /// <summary>A number as a constant.</summary>
    public string Number(float value)
    {
        var name = value.ToString("R", CultureInfo.InvariantCulture);
        weights.TryAdd(name, new(name, [], ScalarType.Float32, () => tensor(value)));
        return name;
    }

    public string Conv(string x, string weight, string? bias, long kernel, long stride, long padding, long groups, string name) =>
        Node("Conv", bias is null ? [x, weight] : [x, weight, bias], name,
            Ints("kernel_shape", kernel, kernel), Ints("strides", stride, stride),
            Ints("pads", padding, padding, padding, padding), Int("group", groups));

    public string MaxPool(string x, long kernel, long stride, long padding) =>
        Node("MaxPool", [x], null, Ints("kernel_shape", kernel, kernel), Ints("strides", stride, stride),
            Ints("pads", padding, padding, padding, padding));

    public string BatchNormalization(string x, string name, float eps) =>
        Node("BatchNormalization", [x, Weight($"{name}.weight"), Weight($"{name}.bias"), Weight($"{name}.running_mean"),
            Weight($"{name}.running_var")], name, Float("epsilon", eps));

    public string LayerNormalization(string x, string name, double eps) =>
        Node("LayerNormalization", [x, Weight($"{name}.weight"), Weight($"{name}.bias")], name, Float("epsilon", (float)eps));

    /// <summary>x Wᵀ + b for x [rows, inputs], W [outputs, inputs] as torch keeps it.</summary>
    public string Gemm(string x, string weight, string? bias, string name) =>
        Node("Gemm", bias is null ? [x, weight] : [x, weight, bias], name, Int("transB", 1));

    public string MatMul(string a, string b) => Node("MatMul", [a, b]);

    public string Add(string a, string b) => Node("Add", [a, b]);

    public string Sub(string a, string b) => Node("Sub", [a, b]);

    public string Mul(string a, string b) => Node("Mul", [a, b]);

    public string Div(string a, string b) => Node("Div", [a, b]);

    public string Relu(string x) => Node("Relu", [x]);

    public string Sigmoid(string x) => Node("Sigmoid", [x]);

    public string Softmax(string x) => Node("Softmax", [x], null, Int("axis", -1));

    /// <summary>x Φ(x): an operator of its own from version 20 on; before, in the form that runtimes know and fuse.</summary>
    public string Gelu(string x) => Opset >= 20
        ? Node("Gelu", [x])
        : Mul(Mul(x, Add(Node("Erf", [Div(x, Number(MathF.Sqrt(2)))]), Number(1))), Number(0.5f));

    /// <summary>The same values in another shape; -1 is the size that follows from the others. What was reshaped already is
    /// taken as it was before.</summary>
    public string Reshape(string x, params long[] shape)
    {
        var source = reshaped.GetValueOrDefault(x, x);
        var value = Node("Reshape", [source, Numbers($"[{string.Join(", ", shape)}]", shape)]);
        reshaped[value] = source;
        return value;
    }

    public string Concat(long axis, params string[] x) => x is [var alone] ? alone : Node("Concat", x, null, Int("axis", axis));

    public string Flatten(string x) => Node("Flatten", [x]);

    public string Transpose(string x, params long[] order) => Node("Transpose", [x], null, Ints("perm", order));

    /// <summary>Slices <paramref name="rows"/> along an axis, in that order.</summary>
    public string Gather(string x, string rows, long axis) => Node("Gather", [x, rows], null, Int("axis", axis));

    /// <summary>One slice along an axis, which goes.</summary>
    public string Select(string x, long axis, long row)
    {
        var name = $"row {row}";
        weights.TryAdd(name, new(name, [], ScalarType.Int64, () => tensor(row)));
        return Gather(x, name, axis);
    }

    /// <summary>Everything from <paramref name="start"/> on along an axis.</summary>
    public string From(string x, long axis, long start) =>
        Node("Slice", [x, Numbers($"[{start}]", start), Numbers($"[{long.MaxValue}]", long.MaxValue), Numbers($"[{axis}]", axis)]);

    /// <summary>Three equal parts along the first axis.</summary>
    public (string First, string Second, string Third) SplitInThree(string x)
    {
        var name = Unique("Split");
        var node = new NodeProto { Name = name, OpType = "Split", Attribute = { Int("axis", 0) } };
        node.Input.Add([x, Numbers("[1, 1, 1]", 1, 1, 1)]);
        node.Output.Add([$"{name}:0", $"{name}:1", $"{name}:2"]);
        Proto.Node.Add(node);
        return (node.Output[0], node.Output[1], node.Output[2]);
    }

    /// <summary>Zeros before and after axis 1 of [batch, tokens, width].</summary>
    public string Pad(string x, long before, long after) =>
        Node("Pad", [x, Numbers($"[0, {before}, 0, 0, {after}, 0]", 0, before, 0, 0, after, 0)]);

    public string GlobalAveragePool(string x) => Node("GlobalAveragePool", [x]);

    /// <summary>Mean over an axis, which goes.</summary>
    public string Mean(string x, long axis) => Opset >= 18
        ? Node("ReduceMean", [x, Numbers($"[{axis}]", axis)], null, Int("keepdims", 0))
        : Node("ReduceMean", [x], null, Ints("axes", axis), Int("keepdims", 0));

    private string Node(string op, string[] inputs, string? name = null, params AttributeProto[] attributes)
    {
        name = Unique(name ?? op);
        var node = new NodeProto { Name = name, OpType = op };
        node.Input.Add(inputs);
        node.Output.Add(name);
        node.Attribute.Add(attributes);
        Proto.Node.Add(node);
        return name;
    }

    private string Unique(string name)
    {
        var count = used[name] = used.GetValueOrDefault(name) + 1;
        return count == 1 ? name : $"{name}_{count}";
    }

    private static void Rename(RepeatedField<string> names, string from, string to)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i] == from)
                names[i] = to;
    }

    private static ValueInfoProto Declared(string name, long[] sizes)
    {
        var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = Batch } } };
        shape.Dim.Add(sizes.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new()
        { Name = name, Type = new() { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape } } };
    }

    private static AttributeProto Float(string name, float value) =>
        new() { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float };

    private static AttributeProto Int(string name, long value) =>
        new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    private static AttributeProto Ints(string name, params long[] values) =>
        new() { Name = name, Ints = { values }, Type = AttributeProto.Types.AttributeType.Ints };
}
