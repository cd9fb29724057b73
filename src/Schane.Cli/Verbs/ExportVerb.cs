using System.CommandLine;
using Schane.Export;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>A run as an ONNX file.</summary>
internal sealed class ExportVerb : Verb
{
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`, or a model.safetensors of one." };
    private readonly Option<string> onnx = new("--onnx")
    {
        HelpName = "FILE.onnx", Required = true,
        Description = "The file to write; above 2 GB the weights stand beside it in FILE.onnx.data."
    };
    private readonly Option<int> opset = new("--opset")
    {
        HelpName = "17..22", DefaultValueFactory = _ => OnnxOptions.LeastOpset,
        Description = "Version of ONNX's operators. Default: 17; from 20 on GELU is one node."
    };
    private readonly Option<string> store = new("--store")
    {
        HelpName = "float32|float16|bfloat16|int8", DefaultValueFactory = _ => "float32",
        Description = "Type that weights are stored in; the graph computes in float32, with int8 in whole numbers whose ranges are taken " +
            "from the run's training images. Default: float32."
    };
    private readonly Option<double> int8Limit = new("--int8-limit")
    {
        HelpName = "SHARE", DefaultValueFactory = _ => new OnnxOptions().Int8Limit,
        Description = "Share of the held-out images by which fewer may be right in int8; beyond it no file is left. Default: 0.01."
    };
    private readonly Option<bool> normalize = new("--normalize")
    { Description = "Subtract mean and divide by deviation inside the graph, which then takes pixels from 0 to 1." };
    private readonly Option<string[]> inputs = new("--inputs")
    {
        HelpName = "FILE|FOLDER", AllowMultipleArgumentsPerToken = true,
        Description = "At least 64 images to compare on. Default: the run's data, or look-alikes where these can't be opened."
    };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<bool> force = new("--force") { Description = "Replace the file that stands in --onnx." };

    public ExportVerb() : base("export", "Writes a trained run as an ONNX file and proves that it computes the same.")
    {
        Add(run);
        Flags("Flags", onnx, opset, store, int8Limit, normalize, inputs, dataRoot, force);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane export runs/photos-schane-1 --onnx photos.onnx", "embedding and logits of any batch"),
        new("schane export RUN --onnx small.onnx --store float16 --normalize", "half the size; takes pixels from 0 to 1"),
        new("schane export RUN --onnx small.onnx --store int8", "a quarter of the size, and what that costs and gains"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var options = new OnnxOptions
        {
            Opset = parsed.GetValue(opset), Weights = Stored(parsed.GetRequiredValue(store)), Normalises = parsed.GetValue(normalize),
            Int8Limit = parsed.GetValue(int8Limit)
        };
        var pictures = parsed.GetValue(inputs) is { Length: > 0 } places ? places.SelectMany(Pictures).ToList() : null;
        var result = ExportJob.Run(parsed.GetRequiredValue(run), parsed.GetRequiredValue(onnx), options, pictures, parsed.GetValue(force),
            parsed.GetValue(dataRoot), stop);
        screen.Answer($"{result.Onnx}: {result.Bytes / 1e6:0.0} MB, {result.Nodes} nodes, opset {result.Opset}, {result.Seconds:0.0} " +
            $"s{(result.Data is null ? "" : $"; its weights are in {result.Data}, keep both together")}.");
        screen.Answer($"{(result.Int8 is null ? "" : "In float32: ")}{result.Parity}.");
        if (result.Int8 is { } int8)
        {
            screen.Answer($"{int8.Cost}.");
            screen.Answer($"{int8.Gain}.");
        }
        return new(result);
    }

    private static IEnumerable<string> Pictures(string place) => Directory.Exists(place)
        ? Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f)
            .ToLowerInvariant() is ".jpg" or ".jpeg" or ".png" or ".gif" or ".webp" or ".bmp").Order(StringComparer.Ordinal)
        : [place];

    private static OnnxWeights Stored(string name) =>
        Enum.TryParse<OnnxWeights>(name, ignoreCase: true, out var type) && Enum.IsDefined(type) && !char.IsDigit(name[0]) ? type
        : throw new SchaneException($"--store must be float32, float16, bfloat16 or int8 but is '{name}'.");
}
