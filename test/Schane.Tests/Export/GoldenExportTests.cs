using Schane.Export;
using Schane.Models;
using Schane.Tests.Data;
using Schane.Tests.Models;
using static TorchSharp.torch;

namespace Schane.Tests.Export;

/// <summary>Every golden model as an ONNX file: what ONNX Runtime computes from it is what the peer computed.</summary>
public sealed class GoldenExportTests
{
    public static TheoryData<string> Cases => GoldenModel.Names();

    [Theory, MemberData(nameof(Cases))]
    public void ONNX_Runtime_computes_what_the_peer_computes(string name)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Exported.Golden(name);
        using var io = GoldenModel.Open(name).Io();
        var (pixels, rows) = Exported.Input(name);
        foreach (var opset in (int[])[OnnxOptions.LeastOpset, OnnxOptions.MostOpset])
            foreach (var normalises in (bool[])[false, true])
            {
                var path = Path.Combine(folder.Path, $"{opset}{normalises}.onnx");
                OnnxExport.Write(model, path, Exported.Metadata(model), new OnnxOptions { Opset = opset, Normalises = normalises });
                using var onnx = OnnxModel.Open(path, threads: 1);
                var (embeddings, logits) = onnx.Run(normalises ? Undone(pixels, model.Backbone.Info) : pixels, rows);
                Close(io.Read("logits64"), logits, $"{name} logits, opset {opset}");
                Close(io.Read("pooled64"), embeddings, $"{name} embeddings, opset {opset}");
            }
    }

    private static float[] Undone(float[] pixels, BackboneInfo info)
    {
        var plane = info.InputSize * info.InputSize;
        return [.. pixels.Select((value, i) => value * info.Std[i / plane % info.Channels] + info.Mean[i / plane % info.Channels])];
    }

    private static void Close(Tensor expected, float[] actual, string what)
    {
        var values = expected.data<double>().ToArray();
        Assert.Equal(values.Length, actual.Length);
        var difference = values.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.True(difference <= 1e-4, $"{what}: largest difference {difference}");
    }
}
