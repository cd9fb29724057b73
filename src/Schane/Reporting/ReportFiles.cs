using Schane.Checkpoints;

namespace Schane.Reporting;

/// <summary>Writes pages and comparisons.</summary>
internal static class ReportFiles
{
    /// <summary>Writes a file, whole or not at all.</summary>
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
}
