using System.Text.Json;

namespace Schane.Checkpoints;

/// <summary>What processes that share a cache agree on: who fetches, and what is there.</summary>
internal static class CacheNotes
{
    /// <summary>Waits until no other process holds the file, and holds it until it is disposed.</summary>
    public static async Task<FileStream> LockAsync(string path, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))                  // another process has it
            {
                await Task.Delay(100, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A note; null where there is none, or one that was cut while it was written.</summary>
    public static T? Read<T>(string path) where T : class
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<T>(File.ReadAllText(path)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes a note whole or not at all.</summary>
    public static void Write<T>(string path, T note)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        File.WriteAllText(temporary, JsonSerializer.Serialize(note));
        File.Move(temporary, path, overwrite: true);
    }
}
