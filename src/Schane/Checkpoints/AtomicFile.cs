using System.Text;

namespace Schane.Checkpoints;

/// <summary>Writes a file under a temporary name beside it, flushes it to the disk, renames it and flushes its folder: a reader, also one
/// after a power cut, sees the old file or the new one, never a part.</summary>
internal static class AtomicFile
{
    /// <param name="path">Path of the file; an existing one is replaced.</param>
    /// <param name="write">Writes the contents.</param>
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            Move(temporary, path);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Puts a file that is on the disk in the place of another in the same folder.</summary>
    public static void Move(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        FolderFlush.Of(Path.GetDirectoryName(to) ?? "");
    }

    /// <summary>The same for text, UTF-8.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
