using System.Globalization;

namespace Schane.Tensors;

/// <summary>How much memory this process has, has had, and may still take. Linux alone tells.</summary>
internal static class MemoryRoom
{
    private const string Status = "/proc/self/status", Reset = "/proc/self/clear_refs", Memory = "/proc/meminfo";

    /// <summary>Bytes resident at most since <see cref="StartOver"/>; null where the system doesn't tell.</summary>
    public static long? Peak => Line(Status, "VmHWM:") * 1024;

    /// <summary>Makes <see cref="Peak"/> count from what is resident now.</summary>
    /// <returns>Whether the system allows it.</returns>
    public static bool StartOver()
    {
        try
        {
            File.WriteAllText(Reset, "5");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Bytes that can be had without swapping and within the limit of the control group; null where the
    /// system doesn't tell.</summary>
    public static long? Free() => ((long?[])[Line(Memory, "MemAvailable:") * 1024, new ControlGroup().MemoryLeft()]).Min();

    private static long? Line(string path, string key)
    {
        if (!File.Exists(path))
            return null;
        var words = File.ReadLines(path).Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(w => w.Length > 1 && w[0] == key);
        return words is not null && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
