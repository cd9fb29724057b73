using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>
/// Tunes glibc's allocator for training: each step frees and takes the same large blocks, and with the stock thresholds every one of them
/// is returned to the system and comes back as fresh pages that fault one by one. Does nothing on other C libraries and systems.
/// </summary>
internal static class NativeMemory
{
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;   // M_* of glibc's malloc.h
    private const int Large = 1 << 30;
    private static readonly Lock Gate = new();
    private static bool tuned;

    /// <summary>Keeps freed blocks in the process for reuse. Once per process; `MALLOC_*_` variables of the user are left alone.</summary>
    public static void KeepFreedPages()
    {
        lock (Gate)
        {
            if (tuned || !OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") is not null)
                return;
            tuned = true;
            try
            {
                _ = SetOption(MmapThreshold, Large);
                _ = SetOption(TrimThreshold, Large);
                _ = SetOption(TopPad, 64 << 20);
            }
            catch (EntryPointNotFoundException)
            {
                // musl has no mallopt: its allocator stays as it is.
            }
        }
    }

    /// <summary>Gives freed blocks back to the system, so that what is resident is what is in use.</summary>
    public static void ReturnFreedPages()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = Trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // musl keeps none.
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Trim(nuint padding);

    [DllImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetOption(int option, int value);
}
