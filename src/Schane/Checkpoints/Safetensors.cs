using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>Hugging Face's safetensors format: 8 bytes of header length, a JSON header, raw little-endian tensors.</summary>
internal static class Safetensors
{
    private const int ChunkBytes = 1 << 26;

    /// <summary>Opens a file by memory map.</summary>
    /// <exception cref="CheckpointException">There is no such file, or it breaks a rule of the format.</exception>
    public static SafetensorsFile Open(string path) => new(path);

    /// <summary>Opens a file that is in memory already. The bytes must not change while it is open.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="origin">Its name in messages.</param>
    /// <exception cref="CheckpointException">The bytes break a rule of the format.</exception>
    public static SafetensorsFile Open(ReadOnlyMemory<byte> bytes, string origin) => new(bytes, origin);

    /// <summary>Opens what is left of a stream, an embedded resource for instance, by reading it whole. The stream stays open.</summary>
    /// <param name="stream">At most 2 GiB.</param>
    /// <param name="origin">Its name in messages.</param>
    /// <exception cref="CheckpointException">The bytes break a rule of the format.</exception>
    public static SafetensorsFile Open(Stream stream, string origin)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return new(copy.ToArray(), origin);
    }

    /// <summary>
    /// Writes a file: beside its place under a temporary name, flushed to the disk, then renamed, so that the name never stands for half a
    /// file. The bytes depend on the tensors and texts alone (widest type first, then by name), not on the order of the dictionaries.
    /// </summary>
    /// <param name="path">Where; an existing file is replaced.</param>
    /// <param name="tensors">Any device, any strides; every <see cref="ScalarType"/> but complex 128 and the quantised ones.</param>
    /// <param name="metadata">Texts for the header; null for none.</param>
    /// <exception cref="ArgumentException">A tensor is of a type that the format lacks.</exception>
    /// <exception cref="IOException">The disk is full, or the folder is not there or not writable.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var ordered = tensors.Select(t => (Name: t.Key, Tensor: t.Value, Type: SafetensorsType.Of(t.Value.dtype)))
            .OrderByDescending(t => t.Type.Bytes).ThenBy(t => t.Name, StringComparer.Ordinal).ToArray();
        var header = Header(ordered, metadata);

        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                file.Write(header);
                foreach (var (_, tensor, _) in ordered)
                    WriteData(file, tensor);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static byte[] Header((string Name, Tensor Tensor, SafetensorsType Type)[] ordered,
        IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long at = 0;
            foreach (var (name, tensor, type) in ordered)
            {
                if (name == "__metadata__")
                    throw new ArgumentException("A tensor must not be called __metadata__; the format keeps that name for texts.");
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name);
                json.WriteStartArray("shape");
                foreach (var size in tensor.shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += tensor.numel() * type.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');                                  // the data begin aligned
        var bytes = buffer.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)(bytes.Length - 8));
        return bytes;
    }

    internal static void WriteData(Stream file, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.detach().cpu().contiguous().view(-1);
        var step = ChunkBytes / flat.element_size();
        for (long at = 0, count = flat.numel(); at < count; at += step)
        {
            using var part = flat.narrow(0, at, Math.Min(step, count - at));
            file.Write(part.bytes);
        }
    }
}
