using Microsoft.ML;
using Microsoft.ML.Data;
using Schane.Export;
using Schane.Tests.Data;
using Schane.Tests.Samples;
using static TorchSharp.torch;

namespace Schane.Tests.Export;

/// <summary>ML.NET scores an exported file in a pipeline of its own.</summary>
public sealed class MlNetTests
{
    [Fact]
    public void ApplyOnnxModel_gives_the_logits_and_embeddings_of_the_model()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = RegistryExportTests.Small("vit_tiny_patch16_224");
        var path = Path.Combine(folder.Path, "vit.onnx");
        OnnxExport.Write(model, path, Exported.Metadata(model), new());
        var (rows, size) = (5, 3 * 16 * 16);
        var pixels = Exported.Pixels(model.Backbone.Info, rows);
        var expected = model.Forward(tensor(pixels, [rows, 3, 16, 16]));

        var view = Cookbook.ScoreInMlNet(path,
            Enumerable.Range(0, rows).Select(i => new Picture { Images = pixels[(i * size)..((i + 1) * size)] }));
        var scored = new MLContext().Data.CreateEnumerable<Scored>(view, reuseRowObject: false).ToList();
        Assert.Equal(rows, scored.Count);
        Close(expected.Logits, [.. scored.SelectMany(s => s.Logits)]);
        Close(expected.Embeddings, [.. scored.SelectMany(s => s.Embedding)]);
    }

    private static void Close(Tensor expected, float[] found)
    {
        var values = Schane.Tensors.Copy.Floats(expected);
        Assert.Equal(values.Length, found.Length);
        Assert.InRange(values.Zip(found, (e, f) => Math.Abs((double)e - f)).Max(), 0, 1e-4);
    }

    private sealed class Picture
    {
        [ColumnName("images"), VectorType(3, 16, 16)]
        public float[] Images { get; set; } = [];
    }

    private sealed class Scored
    {
        [ColumnName("logits"), VectorType(7)]
        public float[] Logits { get; set; } = [];

        [ColumnName("embedding"), VectorType(12)]
        public float[] Embedding { get; set; } = [];
    }
}
