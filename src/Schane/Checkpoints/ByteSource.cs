namespace Schane.Checkpoints;

/// <summary>Bytes at any offset of a file, or of memory in the place of one. Reading is thread-safe.</summary>
internal sealed class ByteSource : IDisposable
{
    private readonly FileStream? stream;
    private readonly ReadOnlyMemory<byte> memory;

    /// <summary>A file, opened for reading.</summary>
    /// <exception cref="CheckpointException">There is no such file, or it can't be opened.</exception>
    public ByteSource(string path)
    {
        Origin = path;
        if (Directory.Exists(path))
            throw new CheckpointException(path, "is a folder; name a file of weights inside it.");
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            Length = stream.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointException(path,
                e is FileNotFoundException or DirectoryNotFoundException ? "does not exist." : $"can't be read: {e.Message}", e);
        }
    }

    /// <summary>A file that is in memory.</summary>
    public ByteSource(ReadOnlyMemory<byte> memory, string origin) => (Origin, this.memory, Length) = (origin, memory, memory.Length);

    public string Origin { get; }

    public long Length { get; }

    /// <summary>Fills <paramref name="destination"/> from the bytes at <paramref name="offset"/>.</summary>
    /// <exception cref="CheckpointException">The file ends before, or the disk fails.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        if (offset < 0 || destination.Length > Length - offset)
            throw new CheckpointException(Origin,
                $"is truncated: bytes {offset} to {offset + destination.Length} are needed but it has {Length}. Fetch it again.");
        if (stream is null)
        {
            memory.Span.Slice((int)offset, destination.Length).CopyTo(destination);
            return;
        }
        try
        {
            while (!destination.IsEmpty)
            {
                var read = RandomAccess.Read(stream.SafeFileHandle, destination, offset);
                if (read == 0)
                    throw new CheckpointException(Origin, "was cut short while it was open.");
                offset += read;
                destination = destination[read..];
            }
        }
        catch (IOException e)
        {
            throw new CheckpointException(Origin, $"can't be read: {e.Message}", e);
        }
    }

    /// <summary>A copy of the bytes from <paramref name="offset"/> on. The caller has bounded the count.</summary>
    public byte[] Read(long offset, int count)
    {
        if (count > Length - offset)
            throw new CheckpointException(Origin,
                $"is truncated: bytes {offset} to {offset + count} are needed but it has {Length}. Fetch it again.");
        var bytes = new byte[count];
        Read(offset, bytes);
        return bytes;
    }

    /// <summary>The same bytes as a stream of their own, at its start.</summary>
    public Stream Open() =>
        stream is not null ? new FileStream(Origin, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan)
        : new MemoryStream(memory.ToArray(), writable: false);

    public void Dispose() => stream?.Dispose();
}
