namespace Schane.Checkpoints;

/// <summary>Opens files of weights, whatever their form.</summary>
public static class CheckpointFile
{
    /// <summary>Opens safetensors, PyTorch's <c>.pth</c> / <c>.bin</c> or the index of a sharded model. The content decides, not the name, but for <c>*.json</c>.</summary>
    /// <exception cref="CheckpointException">There is no such file, it is none of these, or it breaks a rule of its format.</exception>
    public static ICheckpoint Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? new ShardedCheckpoint(path) : OpenSingle(path);
    }

    internal static ICheckpoint OpenSingle(string path)
    {
        var source = new ByteSource(path);
        try
        {
            if (IsPyTorch(source.Read(0, (int)Math.Min(source.Length, 9))))
                return new PthFile(source);
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
        IsPyTorch(bytes.Span[..Math.Min(bytes.Length, 9)]) ? new PthFile(new ByteSource(bytes, origin)) : new SafetensorsFile(bytes, origin);

    /// <summary>A zip archive begins PK, a pickle 0x80 and its protocol; a safetensors file has '{' behind the eight bytes of its length.</summary>
    private static bool IsPyTorch(ReadOnlySpan<byte> start) =>
        start is [(byte)'P', (byte)'K', 3, 4, ..] || (start is [0x80, >= 1 and <= 5, ..] && (start.Length < 9 || start[8] != (byte)'{'));
}
