using System.Text.RegularExpressions;
using Google.Protobuf;
using static TorchSharp.torch;

namespace Schane.Checkpoints.Onnx;

/// <summary>
/// The constants of an ONNX file as named tensors: those of a graph that kept the names PyTorch gave its parameters
/// (<c>layer1.0.conv1.weight</c>), or those of CNTK's residual nets, which are named by their place (<see cref="CntkResidualNet"/>).
/// Nothing is computed; a graph whose constants can't be told apart is refused.
/// </summary>
internal sealed partial class OnnxFile : ICheckpoint
{
    private readonly Dictionary<string, OnnxConstant> constants;

    /// <param name="source">The file; read whole and disposed.</param>
    /// <exception cref="CheckpointException">It is no ONNX file, or its constants have no names that mean something.</exception>
    public OnnxFile(ByteSource source)
    {
        Origin = source.Origin;
        using (source)
        {
            var model = Parse(source);
            constants = CntkResidualNet.Made(model) ? CntkResidualNet.Read(model.Graph, Origin) : Named(model.Graph);
            Metadata = model.MetadataProps.GroupBy(m => m.Key).ToDictionary(m => m.Key, m => m.Last().Value);
        }
        Names = [.. constants.Keys];
    }

    /// <summary>Whether a file that is neither zip, pickle nor safetensors begins like ONNX: with the version of its format.</summary>
    public static bool Is(ReadOnlySpan<byte> start) =>
        start.Length > 2 && start[0] == 0x08 && start[1] is >= 1 and < 64 && start[2] is >= 0x12 and < 0x80 && (start[2] & 7) is 0 or 2;

    /// <inheritdoc/>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names { get; }

    /// <summary>The texts of the file.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => Find(name).Shape;

    /// <inheritdoc/>
    public ScalarType TypeOf(string name) => Find(name).Type;

    /// <inheritdoc/>
    public Tensor Read(string name) => Find(name).Read();

    /// <inheritdoc/>
    public void Dispose() { }

    private OnnxConstant Find(string name) =>
        constants.TryGetValue(name, out var found) ? found : throw new CheckpointException(Origin, $"has no tensor '{name}'.");

    private static ModelProto Parse(ByteSource source)
    {
        if (source.Length > int.MaxValue)
            throw new CheckpointException(source.Origin, $"has {source.Length} bytes; an ONNX file may have {int.MaxValue}.");
        try
        {
            using var stream = source.Open();
            var model = ModelProto.Parser.ParseFrom(stream);
            if (model.Graph is { Node.Count: > 0 })
                return model;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new CheckpointException(source.Origin, $"is truncated, damaged or not an ONNX file: {e.Message.TrimEnd('.')}.", e);
        }
        throw new CheckpointException(source.Origin, "is not an ONNX file: it has no graph with operators.");
    }

    private Dictionary<string, OnnxConstant> Named(GraphProto graph)
    {
        var named = new Dictionary<string, OnnxConstant>(StringComparer.Ordinal);
        foreach (var constant in graph.Initializer.Where(i => ParameterName().IsMatch(i.Name) && OnnxConstant.IsReal(i)))
            if (!named.TryAdd(constant.Name, new(constant, Origin)))
                throw new CheckpointException(Origin, $"has the constant '{Printable.Short(constant.Name)}' twice.");
        var lost = graph.Initializer.FirstOrDefault(i => i.Dims.Count > 1 && OnnxConstant.IsReal(i) && !named.ContainsKey(i.Name));
        if (lost is not null && graph.Node.Any(n => n.OpType == "Conv") && graph.Node.All(n => n.OpType != "BatchNormalization"))
            throw new CheckpointException(Origin,
                $"has its batch norms multiplied into its convolutions: '{Printable.Short(lost.Name)}' is no parameter any more. " +
                "Export it again with training=TrainingMode.PRESERVE, or take the .safetensors or .pth file.");
        if (lost is not null || named.Count == 0)
            throw new CheckpointException(Origin,
                "is a graph whose constants have lost the names of a model's " +
                $"parameters{(lost is null ? "" : $": '{Printable.Short(lost.Name)}' says nothing of its place")}. Take the " +
                ".safetensors or .pth file, or an ONNX file with names like 'layer1.0.conv1.weight'.");
        return named;
    }

    [GeneratedRegex(@"^[A-Za-z_]\w*(\.\w+)+$|^[a-z]+(_[a-z]+)+$", RegexOptions.NonBacktracking)]
    private static partial Regex ParameterName();
}
