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

    /// <summary>Bytes that can be had without swapping and within the limit of the cgroup; null where the system doesn't tell.</summary>
    public static long? Free()
    {
        var rooms = new List<long?> { Line(Memory, "MemAvailable:") * 1024 };
        foreach (var group in Groups("/proc/self/cgroup"))
        {
            rooms.Add(Room($"/sys/fs/cgroup{group}", "memory.max", "memory.current", "inactive_file"));
            rooms.Add(Room($"/sys/fs/cgroup/memory{group}", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"));
        }
        return rooms.Min();
    }

    /// <summary>Bytes that a cgroup leaves: its limit less what it holds that can't be dropped; null where it has no limit.</summary>
    internal static long? Room(string folder, string limit, string usage, string droppable) =>
        Whole(Path.Combine(folder, limit)) - Whole(Path.Combine(folder, usage)) + (Line(Path.Combine(folder, "memory.stat"), droppable) ?? 0);

    /// <summary>The process's cgroup and all above it, as paths below the mount: a limit of any of them holds.</summary>
    internal static IEnumerable<string> Groups(string file)
    {
        var own = File.Exists(file) ? File.ReadLines(file).Select(line => line.Split(':', 3)).Where(parts => parts is [_, "" or "memory", _]).Select(parts => parts[2].TrimEnd('/')) : [];
        return own.SelectMany(path => Enumerable.Range(0, path.Count(c => c == '/') + 1).Select(n => string.Join('/', path.Split('/').Take(n + 1)))).Append("").Distinct();
    }

    private static long? Whole(string path) => File.Exists(path) && long.TryParse(File.ReadAllText(path).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static long? Line(string path, string key)
    {
        if (!File.Exists(path))
            return null;
        var words = File.ReadLines(path).Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(w => w.Length > 1 && w[0] == key);
        return words is not null && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
