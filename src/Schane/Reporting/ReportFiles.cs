using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;

namespace Schane.Reporting;

/// <summary>Reads the JSON files of a run; fields that are not known are ignored, so that later versions may add some.</summary>
internal static class ReportFiles
{
    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
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

    /// <summary>Writes a page, whole or not at all.</summary>
    /// <exception cref="SchaneException">It can't be written there.</exception>
    public static void Write(string path, string text)
    {
        try
        {
            AtomicFile.WriteText(path, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"The report '{path}' can't be written ({e.Message.TrimEnd('.')}); name another file.", e);
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
