using System.Globalization;
using System.Text.Json;
using Schane.Models;
using Schane.Tensors;
using Schane.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>Whether ONNX Runtime computes on this machine what float64 says: a small net with random weights.</summary>
internal static class RuntimeCheck
{
    private const string Model = "schane_tiny";
    private const int Classes = 40, Rows = 4;

    /// <summary>Writes the net to a file for temporary use and runs it, one image alone and then all.</summary>
    /// <exception cref="SchaneException">ONNX Runtime's native library is not there.</exception>
    public static OperatorError Compare()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = new ImageClassifier(ModelRegistry.Create(Model, seed: 1), Classes, new ClassifierOptions { HeadInitScale = 50 });
        model.eval();
        var info = model.Backbone.Info;
        var path = Path.Combine(Path.GetTempPath(), $"schane-doctor-{Guid.NewGuid():N}.onnx");
        try
        {
            OnnxExport.Write(model, path, new Dictionary<string, string>
            {
                ["architecture"] = info.Name,
                ["channels"] = info.Channels.ToString(CultureInfo.InvariantCulture),
                ["input_size"] = info.InputSize.ToString(CultureInfo.InvariantCulture),
                ["classes"] = JsonSerializer.Serialize(Enumerable.Range(0, Classes).Select(c => $"{c}")),
                ["augmentation"] = "none",
            }, new());
            var images = Operator.Numbers(0, [Rows, info.Channels, info.InputSize, info.InputSize], ScalarType.Float32);
            var pixels = Copy.Floats(images);
            using var runtime = OnnxModel.Open(path);
            model.to(ScalarType.Float64);
            var (embeddings, logits) = model.Forward(images.to_type(ScalarType.Float64));
            var error = 0.0;
            foreach (var rows in (int[])[1, Rows])
            {
                var found = runtime.Run(pixels.AsMemory(0, pixels.Length / Rows * rows), rows);
                error = Math.Max(error, Math.Max(
                    RelativeError.Of(tensor(found.Embeddings, [rows, info.EmbeddingWidth]), embeddings.narrow(0, 0, rows)),
                    RelativeError.Of(tensor(found.Logits, [rows, Classes]), logits.narrow(0, 0, rows))));
            }
            return new($"ONNX Runtime, {Model}", Operator.NameOf(ScalarType.Float32), error, null, Tolerance.Of(ScalarType.Float32));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
