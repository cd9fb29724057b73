using System.Globalization;
using System.Text.Json;
using Schane.Models;
using Schane.Tests.Models;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Export;

/// <summary>Models to export, and what their files say of them.</summary>
internal static class Exported
{
    /// <summary>A golden model with its weights, in evaluation mode.</summary>
    public static ImageClassifier Golden(string name)
    {
        var golden = GoldenModel.Open(name);
        var model = new ImageClassifier(golden.Build(), golden.Classes);
        using var weights = golden.Weights();
        model.Load(weights, HeadLoading.Required);
        model.eval();
        return model;
    }

    /// <summary>A golden model's input, [rows, 3, size, size].</summary>
    public static (float[] Pixels, int Rows) Input(string name)
    {
        using var io = GoldenModel.Open(name).Io();
        using var input = io.Read("input");
        return (Schane.Tensors.Copy.Floats(input), (int)input.shape[0]);
    }

    /// <summary>The texts that a run's weights have.</summary>
    public static Dictionary<string, string> Metadata(ImageClassifier model) => new()
    {
        ["schane"] = "0.1.0",
        ["architecture"] = model.Backbone.Info.Name,
        ["channels"] = model.Backbone.Info.Channels.ToString(CultureInfo.InvariantCulture),
        ["input_size"] = model.Backbone.Info.InputSize.ToString(CultureInfo.InvariantCulture),
        ["classes"] = JsonSerializer.Serialize(Enumerable.Range(0, model.Classes).Select(c => $"class {c}")),
        ["augmentation"] = "none",
    };

    /// <summary>[rows, channels, size, size] standard normal numbers of a seed.</summary>
    public static float[] Pixels(BackboneInfo info, int rows, int seed = 1)
    {
        using var values = Some.Rows(rows, (long)info.Channels * info.InputSize * info.InputSize, seed, ScalarType.Float32);
        return Schane.Tensors.Copy.Floats(values);
    }
}
