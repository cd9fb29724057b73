using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Export;

/// <summary>A model that Schane exported, on ONNX Runtime. Thread-safe.</summary>
internal sealed class OnnxModel : IDisposable
{
    private static readonly string[] InputNames = [ModelGraph.Images], OutputNames = [ModelGraph.Embedding, ModelGraph.Logits];
    private readonly InferenceSession session;

    private OnnxModel(InferenceSession session, string path)
    {
        (this.session, Metadata) = (session, session.ModelMetadata.CustomMetadataMap);
        string Text(string key) => Metadata.TryGetValue(key, out var value) ? value
            : throw new SchaneException(
                $"'{Printable.Escape(path)}' has no '{key}' in its metadata: " +
                "it is not a model that schane export wrote; export the run again.");
        T Parsed<T>(string key)
        {
            try
            {
                return JsonSerializer.Deserialize<T>(Text(key)) ?? throw new JsonException("it is null");
            }
            catch (JsonException e)
            {
                throw new SchaneException($"'{Printable.Escape(path)}' is damaged: '{key}' of its metadata can't be read " +
                    $"({e.Message.TrimEnd('.')}); export the run again.", e);
            }
        }
        Architecture = Text("architecture");
        Classes = Parsed<string[]>("classes");
        Augmentation = Text("augmentation");
        var graphsOwn = Text("normalization") == OnnxExport.InGraph;
        var channels = Parsed<int>("channels");
        float[] PerChannel(string key) => Parsed<float[]>(key) is var values && values.Length == channels ? values
            : throw new SchaneException($"'{Printable.Escape(path)}' is damaged: " +
                $"'{key}' of its metadata must have {channels} numbers but has " +
                $"{values.Length}; export the run again.");
        Input = new(channels, Parsed<int>("input_size"), graphsOwn ? new float[channels] : PerChannel("mean"),
            graphsOwn ? [.. Enumerable.Repeat(1f, channels)] : PerChannel("std"));
        Require(session.InputMetadata, ModelGraph.Images, [-1, channels, Input.Size, Input.Size]);
        Require(session.OutputMetadata, ModelGraph.Logits, [-1, Classes.Count]);
        Require(session.OutputMetadata, ModelGraph.Embedding, [-1, null]);
        Width = session.OutputMetadata[ModelGraph.Embedding].Dimensions[1];

        void Require(IReadOnlyDictionary<string, NodeMetadata> there, string name, int?[] shape)
        {
            if (!there.TryGetValue(name, out var found) || found.ElementType != typeof(float) || found.Dimensions.Length != shape.Length
                || shape.Where((size, i) => size is not null && size != found.Dimensions[i]).Any())
                throw new SchaneException($"'{Printable.Escape(path)}' does not fit its own metadata: it must have '{name}' of float32 " +
                    $"[{string.Join(", ", shape.Select(s => s switch { -1 => OnnxGraph.Batch, null => "width", _ => $"{s}" }))}]; export " +
                    "the run again.");
        }
    }

    /// <summary>Name of the backbone.</summary>
    public string Architecture { get; }

    /// <summary>C names; a logit is an index into this list.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Name of the transform preset whose evaluation form prepares images.</summary>
    public string Augmentation { get; }

    /// <summary>What images must be made into; mean 0 and deviation 1 where the graph normalises.</summary>
    public InputShape Input { get; }

    /// <summary>D, the width of the embedding.</summary>
    public int Width { get; }

    /// <summary>All texts of the file: those of the trained weights, and the certificate.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file, and the file with its constants beside it where there is one.</summary>
    /// <param name="path">An ONNX file that Schane wrote.</param>
    /// <param name="threads">Threads of one pass; null for all cores.</param>
    /// <param name="configure">Changes ONNX Runtime's options before it opens the file; null for none.</param>
    /// <exception cref="SchaneException">No such file, not ONNX, not Schane's, or ONNX Runtime's native library is not there.</exception>
    public static OnnxModel Open(string path, int? threads = null, Action<SessionOptions>? configure = null)
    {
        if (!File.Exists(path))
            throw new SchaneException($"There is no ONNX file '{Printable.Escape(path)}'.");
        InferenceSession session;
        try
        {
            using var options = new SessionOptions
            { IntraOpNumThreads = threads ?? ComputeThreads.For().Count, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            configure?.Invoke(options);
            session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' is not an ONNX model that ONNX Runtime " +
                $"can run ({Reason(e)}); export the run " +
                "again with schane export, and keep the .data file beside it where there is one.", e);
        }
        catch (Exception e) when (e is DllNotFoundException
            or TypeInitializationException { InnerException: DllNotFoundException or EntryPointNotFoundException })
        {
            throw new SchaneException(
                "ONNX Runtime's native library is not there; reference the package Microsoft.ML.OnnxRuntime in your program.", e);
        }
        try
        {
            return new(session, path);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>One pass.</summary>
    /// <param name="pixels">[rows, channels, size, size], as <see cref="Input"/> says.</param>
    /// <param name="rows">Images, at least 1.</param>
    /// <returns>Embeddings [rows, D], not normalised, and logits [rows, C].</returns>
    public (float[] Embeddings, float[] Logits) Run(Memory<float> pixels, int rows)
    {
        using var images = Images(pixels, rows);
        using var options = new RunOptions();
        using var outputs = session.Run(options, InputNames, [images], OutputNames);
        return (outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[1].GetTensorDataAsSpan<float>().ToArray());
    }

    /// <summary>One pass of a file whose inner values are outputs too (<see cref="OnnxGraph.Expose"/>).</summary>
    /// <param name="pixels">As for <see cref="Run(Memory{float}, int)"/>.</param>
    /// <param name="rows">Images, at least 1.</param>
    /// <param name="values">Names of outputs.</param>
    /// <param name="visit">Is given the number of a name and its values, which are gone afterwards.</param>
    public void Run(Memory<float> pixels, int rows, IReadOnlyCollection<string> values, Action<int, ReadOnlySpan<float>> visit)
    {
        using var images = Images(pixels, rows);
        using var options = new RunOptions();
        using var outputs = session.Run(options, InputNames, [images], values);
        for (var i = 0; i < values.Count; i++)
            visit(i, outputs[i].GetTensorDataAsSpan<float>());
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    private OrtValue Images(Memory<float> pixels, int rows) => OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, pixels,
        [rows, Input.Channels, Input.Size, Input.Size]);

    private static string Reason(OnnxRuntimeException error)
    {
        var line = error.Message.Split('\n')[0].Trim().TrimEnd('.');
        return Printable.Escape(line.Length > 300 ? line[..300] + "…" : line);
    }
}
