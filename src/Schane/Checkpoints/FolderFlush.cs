using System.Runtime.InteropServices;

namespace Schane.Checkpoints;

/// <summary>Writes a folder's entries to the disk: a renamed file has its new name after a power cut only once its folder is flushed. POSIX
/// systems alone need it.</summary>
internal static partial class FolderFlush
{
    private const int ReadOnly = 0, InputOutputError = 5, NoSpace = 28;

    /// <param name="folder">The folder; one that its file system can't flush is left as it is.</param>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static void Of(string folder)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return;
        var handle = Open(folder.Length == 0 ? "." : folder, ReadOnly);
        if (handle < 0)
            return;
        var failed = Sync(handle) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(handle);
        if (failed && error is InputOutputError or NoSpace)
            throw new IOException($"'{folder}' can't be written to the disk ({Marshal.GetPInvokeErrorMessage(error)}).");
    }

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
