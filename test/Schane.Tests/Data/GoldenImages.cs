using System.Collections.Concurrent;
using System.Text.Json;
using Schane.Data;
using Schane.Data.Reading;
using Schane.Tests.Support;

namespace Schane.Tests.Data;

/// <summary>The part <c>transforms</c> of a golden folder. A safetensors file is read by its definition, not by the library.</summary>
internal sealed class GoldenImages(string folder)
{
    private static readonly ConcurrentDictionary<string, GoldenImages> Opened = new();
    private readonly ConcurrentDictionary<string, Dictionary<string, GoldenArray>> read = new();

    /// <summary>Each golden folder's.</summary>
    public static IEnumerable<GoldenImages> All => GoldenFolder.All.Select(Of);

    /// <summary>That of the copy beside the tests. Tests that need a certain image take it from here.</summary>
    public static GoldenImages Own => Of(GoldenFolder.Own);

    public static GoldenImages Of(string golden) => Opened.GetOrAdd(golden, g => new(Path.Combine(g, "transforms")));

    /// <summary>An image of the copy beside the tests.</summary>
    public static string Image(string name) => Path.Combine(Own.Folder, "images", name);

    public string Folder => folder;

    /// <summary>The golden folder that this is a part of.</summary>
    public string Golden => Path.GetDirectoryName(folder)!;

    public JsonElement Index { get; } = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "index.json"))).RootElement;

    /// <summary>An entry of a list of the index by its key.</summary>
    public JsonElement Entry(string list, string key) =>
        Index.GetProperty(list).EnumerateArray().Single(e => e.GetProperty("key").GetString() == key);

    /// <summary>Keys of a list of the index in all golden folders, each with its folder; none is an error.</summary>
    public static TheoryData<string, string> Keys(string list, Func<JsonElement, bool> which)
    {
        (string, string)[] keys = [.. All.SelectMany(images =>
            images.Index.GetProperty(list).EnumerateArray().Where(which).Select(e => (images.Golden, e.GetProperty("key").GetString()!)))];
        return keys.Length > 0 ? [.. keys] : throw new InvalidOperationException($"No golden folder has a case of {list}.");
    }

    /// <summary>An image as the peer decoded it, for JPEG decoders differ by a level or two.</summary>
    public Image8 Decoded(string name) => Tensors("decoded.safetensors").TryGetValue($"decoded.{name}", out var decoded)
        ? decoded.Image() : PixelRows.WithChannels(ImageDecoder.DecodeFile(Path.Combine(folder, "images", name)), 3);

    public Dictionary<string, GoldenArray> Tensors(string file) => read.GetOrAdd(file, f => Read(Path.Combine(folder, f)));

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
            arrays[entry.Name] = new(entry.Value.GetProperty("dtype").GetString()!,
                [.. entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32())], data);
        }
        Assert.NotEmpty(arrays);
        return arrays;
    }
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
    public Image8 Image()
    {
        Assert.Equal("U8", Type);
        return new(Shape[1], Shape[0], Shape[2], Bytes);
    }
}
