using System.Globalization;

namespace Schane.Tensors;

/// <summary>
/// Lets OpenMP's threads spin while they wait as long as nobody else wants their cores, which is fastest, and sleep soon as long as
/// somebody does: a thread that spins keeps the core from the one that it waits for. Twice a second it looks at how busy others keep the
/// processors (docs/performance.md).
/// </summary>
/// <param name="processors">That this process may use.</param>
/// <param name="threads">That wait for each other on them.</param>
internal sealed class WaitingThreads(int processors, int threads)
{
    /// <summary>Turns where the cores are free, libgomp's own (some 3 ms), and where they aren't: some microseconds, as long as the threads
    /// of one operation are apart. No round number, so that it is the only one of its kind in the library.</summary>
    public const ulong Long = 300_000, Short = 1_013;

    /// <summary>Processors that others may keep busy besides those that no thread of ours needs: what runs on any system now and
    /// then.</summary>
    private const double Little = 0.2;

    /// <summary>Looks in a row that find the cores free before threads spin long again.</summary>
    private const int Calm = 4;

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(0.5);

    private static readonly Lock gate = new();
    private static ulong known;
    private static bool maySpin;
    private static SpinCount? count;
    private static WaitingThreads? watched;
    private static Timer? timer;

    private int calm;
    private double busy;
    private long looked = -1, began;
    private TimeSpan own;

    /// <summary>Turns to spin from now on.</summary>
    /// <param name="others">Processors, of those that this process may use, that others keep busy.</param>
    public ulong Next(double others)
    {
        calm = others + threads > processors + Little ? 0 : Math.Min(calm + 1, Calm);
        return calm == Calm ? Long : Short;
    }

    /// <summary>How threads wait in this process, for people.</summary>
    public static string Described => Count() is null && known == Long ? "as libgomp lets them by itself: it had loaded before Schane"
        : Count() is not null && maySpin ? "spinning on free cores, asleep where others want them; set by Schane"
        : "asleep after a short spin; set by Schane";

    /// <summary>Begins to look, as soon as libgomp has loaded. Threads always sleep soon where the system doesn't say how busy it is, and
    /// where a control group counts the time that a spinning thread takes; where libgomp's count can't be found it stays.</summary>
    /// <param name="turns">What libgomp's count is when it has loaded.</param>
    public static void Watch(ulong turns)
    {
        (known, maySpin) = (turns, !(new ControlGroup().Processors() < Environment.ProcessorCount) && BusySeconds() is not null);
        watched = new(Environment.ProcessorCount, ComputeThreads.For().Count);
        timer = new(_ =>
        {
            if (watched.Look())
                timer!.Change(Every, Timeout.InfiniteTimeSpan);
            else
                timer!.Dispose();
        });
        timer.Change(Every, Timeout.InfiniteTimeSpan);
    }

    private static SpinCount? Count()
    {
        lock (gate)
            return count ??= SpinCount.Find(known);
    }

    /// <summary>Looks once; false where there is no use in looking again.</summary>
    private bool Look()
    {
        if (Count() is not { } turns)
            return !SpinCount.IsLoaded;
        if (!maySpin)
        {
            turns.Turns = Short;
            return false;
        }
        var (before, since) = (own, began);
        (own, began) = (Environment.CpuUsage.TotalTime, Environment.TickCount64);
        var seconds = Math.Max(1, began - since) / 1000.0;
        // a process that does next to nothing has no threads that wait for each other
        if ((own - before).TotalSeconds > seconds / 4 && BusySeconds() is { } now)
        {
            if (since == looked)
                turns.Turns = Next((now - busy - (own - before).TotalSeconds) / seconds);
            (busy, looked) = (now, began);
        }
        return true;
    }

    /// <summary>Seconds since the start of the system for which the processors that this process may use have been busy, all of them
    /// together; null where the system doesn't say.</summary>
    internal static double? BusySeconds()
    {
        const string file = "/proc/stat";
        const double ticks = 100;                                         // of a second, on every processor that .NET runs on
        try
        {
            var may = ComputeThreads.Affinity?.Split(',').Select(range => range.Split('-').Select(Number).ToArray()).ToArray();
            double? sum = null;
            foreach (var line in File.ReadLines(file).Where(line => line.StartsWith("cpu", StringComparison.Ordinal) && line[3] != ' '))
                // cpu0 user nice system idle iowait irq softirq …
                if (line[3..].Split(' ') is [var number, var user, var nice, var system, _, _, var irq, var soft, ..]
                    && may?.Any(range => Number(number) >= range[0] && Number(number) <= range[^1]) != false)
                    sum = (sum ?? 0) + new[] { user, nice, system, irq, soft }.Sum(Number) / ticks;
            return sum;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;                                                  // a system that keeps it to itself
        }

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }
}
