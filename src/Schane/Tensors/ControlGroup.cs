using System.Globalization;

namespace Schane.Tensors;

/// <summary>
/// What Linux's control groups leave this process: containers, batch systems and service managers limit processors and memory by them.
/// Both versions are read; a limit of
/// the process's group or of any group above it holds.
/// </summary>
/// <param name="mounts">Where the groups are mounted.</param>
/// <param name="own">File that names the process's groups.</param>
internal sealed class ControlGroup(string mounts = "/sys/fs/cgroup", string own = "/proc/self/cgroup")
{
    /// <summary>
    /// Processors' worth of time this process and its neighbours in the group may take, for instance 1.5; null where nothing limits it.
    /// </summary>
    public double? Processors()
    {
        var limits = new List<double?>();
        foreach (var group in Groups("cpu"))
        {
            limits.Add(Text($"{mounts}{group}/cpu.max")?.Split(' ') is [var quota, var period]
                ? Whole(quota) / (double?)Whole(period) : null);
            foreach (var mount in (string[])["cpu", "cpu,cpuacct"])
                limits.Add(Whole(Text($"{mounts}/{mount}{group}/cpu.cfs_quota_us"))
                    / (double?)Whole(Text($"{mounts}/{mount}{group}/cpu.cfs_period_us")));
        }
        return limits.Min();
    }

    /// <summary>Bytes this process and its neighbours in the group may hold; null where nothing limits it.</summary>
    public long? Memory() => Rooms((limit, _) => limit).Min();

    /// <summary>Bytes that the groups leave: the limit less what is held that can't be dropped; null where nothing limits it.</summary>
    public long? MemoryLeft() => Rooms((limit, held) => limit - held).Min();

    private IEnumerable<long?> Rooms(Func<long?, long?, long?> of)
    {
        foreach (var group in Groups("memory"))
            foreach (var (folder, limit, usage, droppable) in ((string, string, string, string)[])
                [
                    ($"{mounts}{group}", "memory.max", "memory.current", "inactive_file"),
                    ($"{mounts}/memory{group}", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
                ])
                // The first version says "no limit" by the largest number of whole pages.
                yield return Whole(Text($"{folder}/{limit}")) is { } bytes and < 1L << 60
                    ? of(bytes, Whole(Text($"{folder}/{usage}")) - (Entry($"{folder}/memory.stat", droppable) ?? 0)) : null;
    }

    /// <summary>The process's group and all above it, as paths below the mount.</summary>
    internal IEnumerable<string> Groups(string controller)
    {
        var paths = Lines(own).Select(line => line.Split(':', 3))
            .Where(parts => parts is [_, var names, _] && (names.Length == 0 || names.Split(',').Contains(controller)))
            .Select(parts => parts[2].TrimEnd('/'));
        return paths
            .SelectMany(path => Enumerable.Range(1, path.Count(c => c == '/') + 1).Select(n => string.Join('/', path.Split('/').Take(n))))
            .Append("").Distinct();
    }

    private static string? Text(string path) => Lines(path).FirstOrDefault()?.Trim();

    // Nothing where there is no such file or it can't be read: the limit is then not known, and the process goes on.
    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // Null for "max" and -1, which say that there is no limit.
    private static long? Whole(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static long? Entry(string path, string key) =>
        Whole(Lines(path).Select(line => line.Split(' ')).FirstOrDefault(words => words is [var name, _] && name == key)?[1]);
}
