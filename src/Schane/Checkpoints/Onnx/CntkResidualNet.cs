namespace Schane.Checkpoints.Onnx;

/// <summary>
/// A residual net of two 3×3 convolutions a block that CNTK exported, whose constants are called <c>Parameter10</c>: each gets timm's name
/// by walking from the pooling at the end over the additions to the stem. Such nets take BGR; the first convolution is read backwards along
/// its channels, so that what is read takes RGB. Any other operator, order or number is an error that names the node.
/// </summary>
internal sealed class CntkResidualNet
{
    private const float Epsilon = 1e-5f;

    private readonly string origin;
    private readonly Dictionary<string, TensorProto> values;
    private readonly Dictionary<string, NodeProto> makers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OnnxConstant> named = new(StringComparer.Ordinal);
    private readonly HashSet<NodeProto> seen = [];

    private CntkResidualNet(GraphProto graph, string origin)
    {
        this.origin = origin;
        values = graph.Initializer.GroupBy(i => i.Name)
            .ToDictionary(i => i.Key, i => i.Count() == 1 ? i.Single() : throw Wrong($"the constant '{i.Key}' is there twice"));
        foreach (var node in graph.Node)
            if (node.Output.Count != 1 || !makers.TryAdd(node.Output[0], node))
                throw Wrong($"node {Shown(node)} must have one value of its own");
    }

    /// <summary>Whether CNTK wrote the file.</summary>
    public static bool Made(ModelProto model) => model.ProducerName == "CNTK";

    /// <summary>The constants by timm's names.</summary>
    /// <exception cref="CheckpointException">The graph is another one.</exception>
    public static Dictionary<string, OnnxConstant> Read(GraphProto graph, string origin)
    {
        var net = new CntkResidualNet(graph, origin);
        net.Walk(graph);
        var left = graph.Node.FirstOrDefault(n => !net.seen.Contains(n));
        return left is null ? net.named : throw net.Wrong($"node {Shown(left)} has no place in one");
    }

    private void Walk(GraphProto graph)
    {
        if (graph.Output.Count != 1 || graph.Input.Count(i => !values.ContainsKey(i.Name)) != 1)
            throw Wrong($"it has {graph.Input.Count} inputs and {graph.Output.Count} outputs where one of each is needed");
        var pool = Made(graph.Output[0].Name, "AveragePool");
        var blocks = new Stack<(NodeProto First, NodeProto Second, NodeProto? Shortcut)>();
        var x = Input(pool);
        do
            blocks.Push(Block(Made(x, "Relu"), out x));
        while (Maker(x).OpType != "MaxPool" && blocks.Count < graph.Node.Count);
        var stem = Made(Input(Made(Input(Made(x, "MaxPool", (3, 2))), "Relu")), "BatchNormalization");
        if (Input(Put("conv1", "bn1", stem, kernel: 7, stride: 2, reverses: true))
            != graph.Input.Single(i => !values.ContainsKey(i.Name)).Name)
            throw Wrong("its stem does not begin at the image");

        var (stage, number, width) = (0, 0, 0L);
        foreach (var (first, second, shortcut) in blocks)
        {
            var here = Values(Made(Input(second), "Conv"), 1).Dims[0];
            (stage, number, width) = here == width ? (stage, number + 1, width) : (stage + 1, 0, here);
            var (name, stride) = ($"layer{stage}.{number}", number == 0 && stage > 1 ? 2 : 1);
            Put($"{name}.conv1", $"{name}.bn1", first, 3, stride);
            Put($"{name}.conv2", $"{name}.bn2", second, 3, 1);
            if (shortcut is not null)
                Put($"{name}.downsample.0", $"{name}.downsample.1", shortcut, 1, stride);
        }
    }

    /// <summary>The batch norms of one block, and the value that goes into it.</summary>
    private (NodeProto First, NodeProto Second, NodeProto? Shortcut) Block(NodeProto relu, out string input)
    {
        var add = Made(Input(relu), "Add");
        if (add.Input.Count != 2)
            throw Wrong($"node {Shown(add)} must add two values");
        var second = Made(add.Input[0], "BatchNormalization");
        var first = Made(Input(Made(Input(Made(Input(second), "Conv")), "Relu")), "BatchNormalization");
        input = Input(Made(Input(first), "Conv"));
        if (add.Input[1] == input)
            return (first, second, null);
        var shortcut = Made(add.Input[1], "BatchNormalization");
        return Input(Made(Input(shortcut), "Conv")) == input
            ? (first, second, shortcut) : throw Wrong($"node {Shown(add)} adds values that come from different places");
    }

    /// <summary>Names what a batch norm and the convolution before it hold; gives the convolution.</summary>
    private NodeProto Put(string convolution, string norm, NodeProto batchNorm, int kernel, int stride, bool reverses = false)
    {
        var conv = Made(Input(batchNorm), "Conv", (kernel, stride));
        if (conv.Input.Count != 2 || Number(conv, "group", 1) != 1 || Numbers(conv, "dilations").Any(d => d != 1))
            throw Wrong($"node {Shown(conv)} must be a plain convolution without bias");
        if (batchNorm.Input.Count != 5 || batchNorm.Attribute.FirstOrDefault(a => a.Name == "epsilon") is not { } epsilon
            || Math.Abs(epsilon.F - Epsilon) > Epsilon * 1e-3f)
            throw Wrong($"node {Shown(batchNorm)} must have scale, bias, mean, variance and an epsilon of 1e-5");
        var weight = Values(conv, 1);
        if (weight.Dims.Count != 4 || weight.Dims[2] != kernel || weight.Dims[3] != kernel)
            throw Wrong($"node {Shown(conv)} must have a kernel of {kernel} × {kernel} but has [{string.Join(", ", weight.Dims)}]");
        named.Add($"{convolution}.weight", new(weight, origin, reverses));
        foreach (var (name, i) in (ReadOnlySpan<(string, int)>)[("weight", 1), ("bias", 2), ("running_mean", 3), ("running_var", 4)])
            named.Add($"{norm}.{name}", new(Values(batchNorm, i), origin));
        return conv;
    }

    private TensorProto Values(NodeProto node, int input) =>
        node.Input.Count > input && values.TryGetValue(node.Input[input], out var found) && OnnxConstant.IsReal(found) ? found
            : throw Wrong($"node {Shown(node)} must take a constant of floating point as input {input}");

    private string Input(NodeProto node) => node.Input.Count > 0 ? node.Input[0] : throw Wrong($"node {Shown(node)} has no input");

    private NodeProto Maker(string value) =>
        makers.TryGetValue(value, out var node) ? node : throw Wrong($"nothing makes the value '{Printable.Short(value)}'");

    /// <summary>The node that makes a value: of this kind, with this kernel and step.</summary>
    private NodeProto Made(string value, string kind, (int Kernel, int Stride)? shape = null)
    {
        var node = Maker(value);
        if (node.OpType != kind || node.Domain.Length > 0)
            throw Wrong($"node {Shown(node)} is of kind {Printable.Short(node.OpType)} where {kind} belongs");
        if (shape is var (kernel, stride) && (Numbers(node, "kernel_shape").Any(k => k != kernel)
            || Numbers(node, "strides") is not { Count: 2 } steps || steps.Any(s => s != stride)
            || Numbers(node, "pads") is not { Count: 4 } pads || pads[0] != (kernel - 1) / 2 || pads[1] != pads[0]))
            throw Wrong($"node {Shown(node)} must have a kernel of {kernel}, steps of {stride} and {(kernel - 1) / 2} zeros before the " +
                "first row and column");
        seen.Add(node);
        return node;
    }

    private static IReadOnlyList<long> Numbers(NodeProto node, string name) =>
        node.Attribute.FirstOrDefault(a => a.Name == name)?.Ints is { } numbers ? [.. numbers] : [];

    private static long Number(NodeProto node, string name, long otherwise) =>
        node.Attribute.FirstOrDefault(a => a.Name == name)?.I ?? otherwise;

    private static string Shown(NodeProto node) => $"'{Printable.Short(node.Name)}'";

    private CheckpointException Wrong(string what) =>
        new(origin, $"is a graph of CNTK but not a residual net of two convolutions a block: {what}.");
}
