using System.Text.Json;

namespace Schane.Tests.Data;

/// <summary>The folder golden/transforms: at $SCHANE_GOLDEN, else the copy beside the tests. A safetensors file is read by its definition, not by the library.</summary>
internal static class GoldenImages
{
    public static string Folder { get; } =
        Path.Combine(Environment.GetEnvironmentVariable("SCHANE_GOLDEN") is { Length: > 0 } given ? given : Path.Combine(AppContext.BaseDirectory, "Golden"), "transforms");

    public static JsonElement Index { get; } = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "index.json"))).RootElement;

    public static string Image(string name) => Path.Combine(Folder, "images", name);

    public static Dictionary<string, GoldenArray> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var length = (int)BitConverter.ToInt64(bytes, 0);
        var arrays = new Dictionary<string, GoldenArray>();
        foreach (var entry in JsonDocument.Parse(bytes.AsMemory(8, length)).RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                continue;
            var offsets = entry.Value.GetProperty("data_offsets");
            var data = bytes.AsSpan(8 + length)[offsets[0].GetInt32()..offsets[1].GetInt32()].ToArray();
            arrays[entry.Name] = new(entry.Value.GetProperty("dtype").GetString()!, [.. entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32())], data);
        }
        Assert.NotEmpty(arrays);
        return arrays;
    }

    public static Dictionary<string, GoldenArray> Tensors(string file) => Read(Path.Combine(Folder, file));
}

internal sealed record GoldenArray(string Type, int[] Shape, byte[] Bytes)
{
    public float[] Floats()
    {
        Assert.Equal("F32", Type);
        var values = new float[Bytes.Length / 4];
        Buffer.BlockCopy(Bytes, 0, values, 0, Bytes.Length);
        return values;
    }

    /// <summary>A U8 array [H, W, 3] as an image.</summary>
    public Schane.Data.Image8 Image()
    {
        Assert.Equal("U8", Type);
        return new(Shape[1], Shape[0], Shape[2], Bytes);
    }
}
