using Schane.Checkpoints.Onnx;

namespace Schane.Checkpoints;

/// <summary>Opens files of weights, whatever their form.</summary>
public static class CheckpointFile
{
    /// <summary>Opens safetensors, PyTorch's <c>.pth</c> / <c>.bin</c>, NumPy's <c>.npy</c> / <c>.npz</c>, ONNX or the index of a sharded
    /// model. The content decides, not the name, but for <c>*.json</c>. A prefix that all names share (<c>module.</c>, <c>backbone.</c>) is
    /// taken off.</summary>
    /// <exception cref="SchaneException">There is no such file, it is none of these, or it breaks a rule of its format.</exception>
    public static ICheckpoint Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return WithoutPrefix.Of(
            path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? new ShardedCheckpoint(path) : OpenSingle(path));
    }

    internal static ICheckpoint OpenSingle(string path)
    {
        var source = new ByteSource(path);
        try
        {
            if (OpenOther(source) is { } other)
                return other;
        }
        catch
        {
            source.Dispose();
            throw;
        }
        source.Dispose();
        return new SafetensorsFile(path);
    }

    /// <summary>The same for a file in memory.</summary>
    internal static ICheckpoint Open(ReadOnlyMemory<byte> bytes, string origin) =>
        WithoutPrefix.Of(OpenOther(new ByteSource(bytes, origin)) ?? new SafetensorsFile(bytes, origin));

    /// <summary>How many first bytes <see cref="RefuseOther"/> looks at.</summary>
    internal const int HeadBytes = 64;

    /// <summary>Calls by its name what a download often leaves in the place of a file.</summary>
    /// <exception cref="CheckpointException">It is a Git LFS pointer or a web page.</exception>
    internal static void RefuseOther(ReadOnlySpan<byte> head, string origin)
    {
        if (head.StartsWith("version https://git-lfs"u8))
            throw new CheckpointException(origin, "is a Git LFS pointer, which only names the file of weights; run `git lfs pull` in its " +
                "repository, or fetch the file itself.");
        if (head.TrimStart("\uFEFF \t\r\n"u8).StartsWith("<"u8))
            throw new CheckpointException(origin, "is not a file of weights but looks like a web page; fetch the file itself.");
    }

    /// <summary>
    /// A zip archive begins PK, a NumPy array 0x93 NUMPY, a pickle 0x80 and its protocol, an ONNX file with field 1, and a safetensors
    /// file, for which this gives null, has '{' behind the eight bytes of its length.
    /// </summary>
    private static ICheckpoint? OpenOther(ByteSource source)
    {
        switch (source.Read(0, (int)Math.Min(source.Length, 9)))
        {
            case [(byte)'P', (byte)'K', 3, 4, ..]:
                var files = ZipDirectory.Read(source);
                return files.Count > 0 && files.Keys.All(f => f.EndsWith(".npy", StringComparison.Ordinal))
                    ? new NumpyFile(source, files) : new PthFile(source, files);
            case [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..]:
                return new NumpyFile(source, new() { [Path.GetFileNameWithoutExtension(source.Origin) + ".npy"] = (0, source.Length) });
            case [_, _, _, _, _, _, _, _, (byte)'{']:
                return null;
            case [0x80, >= 1 and <= 5, ..]:
                return new PthFile(source, null);
            case var start when OnnxFile.Is(start):
                return new OnnxFile(source);
            default:
                return null;
        }
    }
}
