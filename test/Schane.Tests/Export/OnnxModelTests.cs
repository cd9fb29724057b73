using Google.Protobuf;
using Schane.Checkpoints.Onnx;
using Schane.Export;
using Schane.Tests.Data;

namespace Schane.Tests.Export;

/// <summary>Files that are no models of Schane's are refused in a sentence that says why.</summary>
public sealed class OnnxModelTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_that_is_not_there_or_not_ONNX_is_named()
    {
        Assert.Contains("There is no ONNX file 'nowhere.onnx'", Refusal("nowhere.onnx"));
        Assert.Contains("is not an ONNX model that ONNX Runtime can run", Refusal(folder.Write("text.onnx", "hello"u8.ToArray())));
        Assert.Contains("is not an ONNX model that ONNX Runtime can run", Refusal(folder.Write("empty.onnx", [])));
        var whole = File.ReadAllBytes(Written());
        Assert.Contains("is not an ONNX model that ONNX Runtime can run", Refusal(folder.Write("half.onnx", whole[..(whole.Length / 2)])));
    }

    [Theory]
    [InlineData("classes", null, "has no 'classes' in its metadata: it is not a model that schane export wrote")]
    [InlineData("architecture", null, "has no 'architecture'")]
    [InlineData("classes", "[1", "is damaged: 'classes' of its metadata can't be read")]
    [InlineData("classes", "[\"a\"]", "does not fit its own metadata: it must have 'logits' of float32 [batch, 1]")]
    [InlineData("classes", "[]", "must have 'logits'")]
    [InlineData("input_size", "64", "must have 'images' of float32 [batch, 3, 64, 64]")]
    [InlineData("mean", "null", "is damaged: 'mean'")]
    [InlineData("mean", "[0.5]", "is damaged: 'mean'")]
    public void A_file_without_what_Schane_writes_is_not_guessed_at(string key, string? value, string sentence)
    {
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Written()));
        var text = model.MetadataProps.Single(m => m.Key == key);
        if (value is null)
            model.MetadataProps.Remove(text);
        else
            text.Value = value;
        Assert.Contains(sentence, Refusal(folder.Write("changed.onnx", model.ToByteArray())));
    }

    [Fact]
    public void Weights_that_were_left_behind_are_asked_for()
    {
        var path = Written(new() { ExternalAbove = 0 });
        File.Delete(path + ".data");
        Assert.Contains("keep the .data file beside it", Refusal(path));
    }

    private string Written(OnnxOptions? options = null)
    {
        var path = Path.Combine(folder.Path, "model.onnx");
        using var model = Exported.Golden("vit_cls");
        OnnxExport.Write(model, path, Exported.Metadata(model), options ?? new());
        return path;
    }

    private static string Refusal(string path) => Assert.Throws<SchaneException>(() => OnnxModel.Open(path, 1)).Message;
}
