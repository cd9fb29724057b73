using System.Text.Json;

namespace Schane.Checkpoints;

/// <summary>Where one tensor stands: bytes Begin … End of the data that follow the header.</summary>
internal sealed record SafetensorsEntry(string Name, SafetensorsType Type, long[] Shape, long Begin, long End);

/// <summary>
/// The JSON header of a safetensors file, checked against every rule of the format before anything is allocated from it: known types,
/// sizes that fit their shapes, no gap, overlap or byte left over, no name twice.
/// </summary>
internal sealed record SafetensorsHeader(IReadOnlyList<SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Longest header that is read. The largest models published stay below 2 MiB.</summary>
    public const long MaxBytes = 16 << 20;

    private const int MaxDimensions = 64;                                 // libtorch's limit

    /// <exception cref="CheckpointException">A rule is broken.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string origin)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new CheckpointException(origin, "is not a safetensors file: its header must begin with '{'.");
        var entries = new List<SafetensorsEntry>();
        var metadata = new Dictionary<string, string>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                if (!names.Add(name))
                    throw new CheckpointException(origin, $"names the tensor '{Printable.Short(name)}' twice.");
                reader.Read();
                if (reader.TokenType != JsonTokenType.StartObject)
                    throw new CheckpointException(origin,
                    $"gives '{Printable.Short(name)}' something that is not an object.");
                if (name == "__metadata__")
                    ReadMetadata(ref reader, metadata, origin);
                else
                    entries.Add(ReadEntry(ref reader, name, origin));
            }
            if (reader.Read())                                            // anything but white space after the object throws
                throw new CheckpointException(origin, "has a second value in its header.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)   // InvalidOperation: text that is no UTF-8 or UTF-16
        {
            throw new CheckpointException(origin, $"has a header that is not JSON: {e.Message}", e);
        }
        RequireCover(entries, dataLength, origin);
        return new(entries, metadata);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata, string origin)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new CheckpointException(origin, $"has metadata '{Printable.Short(key)}' that is not a string.");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw new CheckpointException(origin, $"has the metadata key '{Printable.Short(key)}' twice.");
        }
    }

    private static SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name, string origin)
    {
        SafetensorsType? type = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (key == "dtype" && type is null && reader.TokenType == JsonTokenType.String)
            {
                var text = reader.GetString()!;
                if (!SafetensorsType.All.TryGetValue(text, out type))
                    throw new CheckpointException(origin,
                        $"stores '{Printable.Short(name)}' as type '{Printable.Short(text)}', which is none of " +
                        $"{string.Join(", ", SafetensorsType.All.Keys)}.");
            }
            else if (key == "shape" && shape is null)
                shape = ReadNumbers(ref reader, $"the shape of '{Printable.Short(name)}'", MaxDimensions, origin);
            else if (key == "data_offsets" && offsets is null)
                offsets = ReadNumbers(ref reader, $"the offsets of '{Printable.Short(name)}'", 2, origin);
            else
                throw new CheckpointException(origin,
                    $"has a field '{Printable.Short(key)}' at '{Printable.Short(name)}' " +
                    "that is unknown, twice there or of the wrong kind.");
        }
        if (type is null || shape is null || offsets is not { Length: 2 })
            throw new CheckpointException(origin,
                    $"gives '{Printable.Short(name)}' no dtype, no shape or not two data_offsets.");

        long bytes = type.Bytes;
        foreach (var size in shape.Where(s => s > 0))                     // strides overflow even where another size is 0
            if (bytes > long.MaxValue / size)
                throw new CheckpointException(origin,
                    $"gives '{Printable.Short(name)}' the shape [{string.Join(", ", shape)}], which overflows.");
            else
                bytes *= size;
        if (shape.Contains(0))
            bytes = 0;
        if (offsets[1] < offsets[0] || offsets[1] - offsets[0] != bytes)
            throw new CheckpointException(origin,
                    $"gives '{Printable.Short(name)}' the bytes {offsets[0]} to {offsets[1]}, but its type " +
                $"{type.Name} and shape [{string.Join(", ", shape)}] need {bytes}.");
        return new(name, type, shape, offsets[0], offsets[1]);
    }

    private static long[] ReadNumbers(ref Utf8JsonReader reader, string what, int most, string origin)
    {
        var numbers = new List<long>();
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new CheckpointException(origin, $"has {what} that is not a list.");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw new CheckpointException(origin, $"has a number in {what} that is not a whole number from 0 to 2^63 − 1.");
            if (numbers.Count == most)
                throw new CheckpointException(origin, $"has more than {most} numbers in {what}.");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>The entries, in the order of their offsets, must tile the data exactly, as the format demands.</summary>
    private static void RequireCover(List<SafetensorsEntry> entries, long dataLength, string origin)
    {
        long end = 0;
        foreach (var entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin != end)
                throw new CheckpointException(origin,
                    $"has '{Printable.Short(entry.Name)}' begin at byte {entry.Begin} of the data, but the " +
                    $"tensor before it ends at {end}: tensors may neither overlap nor leave gaps.");
            end = entry.End;
        }
        if (end > dataLength)
            throw new CheckpointException(origin,
                $"is truncated: its tensors need {end} bytes of data but {dataLength} are there. Fetch it again.");
        if (end < dataLength)
            throw new CheckpointException(origin, $"has {dataLength - end} bytes after its last tensor.");
    }
}
