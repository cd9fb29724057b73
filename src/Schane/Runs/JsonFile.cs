using System.Text.Json;

namespace Schane.Runs;

/// <summary>Reads the JSON files of a run; fields that are not known are ignored, so that later versions may add some.</summary>
internal static class JsonFile
{
    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The file's contents; null if there is no such file.</summary>
    /// <exception cref="SchaneException">The file is not what it should be; the sentence names the place.</exception>
    public static T? Read<T>(string path) where T : class
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize<T>(stream, Options);
        }
        catch (JsonException e)
        {
            throw Damaged(path, e);
        }
    }

    /// <summary>The sentence for a file that can't be read at a place in it.</summary>
    public static SchaneException Damaged(string path, JsonException e, long? line = null)
    {
        var at = line is not null ? $" in line {line}" : e.LineNumber is { } row ? $" in line {row + 1}" : "";
        var field = e.InnerException is JsonException ? "it is not JSON"
            : string.IsNullOrEmpty(e.Path) || e.Path == "$" ? "it lacks a field that it must have"
            : $"the field {e.Path.TrimStart('$', '.')} has another type than expected";
        return new SchaneException($"'{path}' is damaged{at}: {field}; restore the file, or have it written again.", e);
    }
}
