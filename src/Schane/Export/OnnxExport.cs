using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>Writes a model as ONNX and lets ONNX Runtime run it beside the model.</summary>
internal static class OnnxExport
{
    /// <summary>Values of <c>normalization</c> in the metadata: who subtracts the mean and divides by the deviation.</summary>
    public const string InGraph = "graph", ByCaller = "caller";

    /// <summary>Largest difference allowed as a share of the largest logit: rounding of float32, or of weights stored in half.</summary>
    private const double Tolerance = 1e-4, HalfTolerance = 1e-2;

    private const int Rows = 8;

    /// <summary>Writes the file.</summary>
    /// <param name="model">In evaluation mode, on the CPU.</param>
    /// <param name="path">The file; <c>PATH.data</c> for the weights where they are too many.</param>
    /// <param name="metadata">What the model's own file says of it.</param>
    /// <param name="options">How.</param>
    /// <param name="change">What is done to the graph before it is written; null for nothing.</param>
    /// <param name="stop">Stops between weights.</param>
    /// <returns>Nodes of the graph.</returns>
    public static int Write(ImageClassifier model, string path, IReadOnlyDictionary<string, string> metadata, OnnxOptions options,
        Action<OnnxGraph>? change = null, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        var info = model.Backbone.Info;
        var graph = ModelGraph.Of(model, options.Opset, options.Stored, options.Normalises);
        change?.Invoke(graph);
        OnnxWriter.Write(graph, path, new Dictionary<string, string>(metadata)
        {
            ["mean"] = JsonSerializer.Serialize(info.Mean),
            ["std"] = JsonSerializer.Serialize(info.Std),
            ["normalization"] = options.Normalises ? InGraph : ByCaller,
            ["weights"] = options.Weights.ToString().ToLowerInvariant(),
        }, options.ExternalAbove, stop);
        return graph.Proto.Node.Count;
    }

    /// <summary>What the trained model gives.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="pixels">[inputs, channels, size, size], normalised.</param>
    /// <param name="inputs">Pictures.</param>
    /// <param name="device">Where the model is.</param>
    /// <param name="stop">Stops between passes.</param>
    public static (float[] Embeddings, float[] Logits) Outputs(ImageClassifier model, float[] pixels, int inputs, Device device,
        CancellationToken stop = default)
    {
        var info = model.Backbone.Info;
        return Passes(pixels, inputs, Rows, (part, rows) =>
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (embeddings, logits) = model.Forward(tensor(part, [rows, info.Channels, info.InputSize, info.InputSize]).to(device));
            return (Tensors.Copy.Floats(embeddings), Tensors.Copy.Floats(logits));
        }, stop);
    }

    /// <summary>Runs the file and compares, the first image alone so that batches of two sizes are run.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trained">What the trained model gave.</param>
    /// <param name="pixels">The same images, [inputs, channels, size, size], as the file wants them.</param>
    /// <param name="inputs">Pictures.</param>
    /// <param name="source">Where they are from.</param>
    /// <param name="options">How the file was written.</param>
    /// <param name="stop">Stops between passes.</param>
    public static ParityCertificate Compare(
        string path, (float[] Embeddings, float[] Logits) trained, float[] pixels, int inputs, string source, OnnxOptions options,
        CancellationToken stop = default)
    {
        // Weights laid out anew for each product would be held a second time, and what reading the file has left is a whole model.
        Tensors.NativeMemory.ReturnFreedPages();
        using var model = OnnxModel.Open(path, get_num_threads(),
            session => session.AddSessionConfigEntry("session.disable_prepacking", "1"));
        Tensors.NativeMemory.ReturnFreedPages();
        var exported = Passes(pixels, inputs, Rows, model.Run, stop, first: 1);
        return ParityCertificate.Of(trained, exported, inputs, source, options.Weights == OnnxWeights.Float32 ? Tolerance : HalfTolerance,
            $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}");
    }

    private static (float[] Embeddings, float[] Logits) Passes(
        float[] pixels, int inputs, int rows, Func<Memory<float>, int, (float[] Embeddings, float[] Logits)> pass,
        CancellationToken stop, int? first = null)
    {
        List<float> embeddings = [], logits = [];
        var size = pixels.Length / inputs;
        for (int at = 0, count; at < inputs; at += count)
        {
            stop.ThrowIfCancellationRequested();
            count = Math.Min(at == 0 && first is { } few ? few : rows, inputs - at);
            var (e, l) = pass(pixels.AsMemory(at * size, count * size), count);
            embeddings.AddRange(e);
            logits.AddRange(l);
            // else the blocks of each pass leave holes beside those of the last
            Tensors.NativeMemory.ReturnFreedPages();
        }
        return ([.. embeddings], [.. logits]);
    }
}
