using System.Diagnostics;
using System.Globalization;
using Schane.Tensors;
using Schane.Tests.Support;

namespace Schane.Tests.Tensors;

/// <summary>Threads spin while the cores are free and sleep while others want them.</summary>
[Trait("Long", "1")]
public class WaitingThreadsTests
{
    private const ulong Known = 4_242;

    [Fact]
    public void They_spin_long_once_the_cores_have_been_free_for_two_seconds_and_sleep_soon_as_they_are_not() =>
        Assert.Equal("s s s L L s s s s L", Turns(2, 2, 0.03, 0.07, 0.01, 0.15, 0.05, 0.3, 0, 0, 0, 0));

    [Fact]
    public void A_neighbour_that_stays_keeps_them_asleep() =>
        Assert.Equal("s s s s s s s s", Turns(2, 2, 0.7, 1, 0, 0.1, 0.1, 0.7, 0.66, 0.1));

    [Theory]
    [InlineData(16, 4, 12, "L")]                                          // there is room for all
    [InlineData(16, 4, 12.5, "s")]
    [InlineData(16, 16, 0.5, "s")]
    public void Neighbours_on_cores_that_no_thread_needs_are_none(int processors, int threads, double others, string last) =>
        Assert.Equal($"s s s {last}", Turns(processors, threads, others, others, others, others));

    [Fact]
    public void What_a_process_does_is_seen_as_busy_time_of_the_processors_it_may_use()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux says how busy it is.");
        var (before, watch) = (WaitingThreads.BusySeconds()!.Value, Stopwatch.StartNew());
        while (watch.Elapsed.TotalSeconds < 0.5)
        {
        }
        Assert.InRange(WaitingThreads.BusySeconds()!.Value - before, 0.3, Environment.ProcessorCount * (watch.Elapsed.TotalSeconds + 0.1));
    }

    [Fact, Trait("Slow", "1")]
    public void What_is_found_in_libgomp_is_how_long_its_threads_spin()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libgomp is of Linux.");
        Assert.SkipUnless(Environment.ProcessorCount > 1, "One processor has no thread that waits for another.");
        Assert.InRange(SecondsSpun(0), 0, WaitingProgram.Enough / 2);
        Assert.InRange(SecondsSpun(1_000_000_000_000), WaitingProgram.Enough, 10);
        Assert.Equal("not found", Run(known: 1234, 0));
    }

    [Fact, Trait("Slow", "1")]
    public void Threads_of_a_program_that_loaded_libgomp_before_Schane_sleep_soon_beside_busy_neighbours_too()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libgomp is of Linux.");
        var neighbours = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Process.Start("sh", ["-c", "while :; do :; done"]))
            .ToList();
        try
        {
            Assert.StartsWith("True, True, ", Started(null, "until-short"));
        }
        finally
        {
            neighbours.ForEach(one => one.Kill());
        }
    }

    private static string Turns(int processors, int count, params double[] others)
    {
        var threads = new WaitingThreads(processors, count);
        List<ulong> turns = [];
        foreach (var busy in others)
            turns.Add(threads.Next(busy));
        return string.Join(' ', turns.Select(t => t == WaitingThreads.Long ? "L" : "s"));
    }

    private static double SecondsSpun(ulong turns) => double.Parse(Run(Known, turns), CultureInfo.InvariantCulture);

    /// <summary>What a process says that looks for a count of some turns and sets it, where the user has set it to
    /// <see cref="Known"/>.</summary>
    private static string Run(ulong known, ulong turns) => Started($"{Known}", $"{known}", $"{turns}");

    /// <summary>What <see cref="WaitingProgram"/> says where the user has set the count, so that nobody else changes it; null where he has
    /// not, and libgomp loads with its own before anything else.</summary>
    private static string Started(string? set, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Schane.Tests"), ["waiting", .. arguments])
        {
            RedirectStandardOutput = true,
        };
        start.Environment.Remove(OpenMp.Policy);
        start.Environment[OpenMp.SpinCountName] = set;
        if (set is null)
            start.Environment["LD_PRELOAD"] = Directory.EnumerateFiles(
                AppContext.BaseDirectory, "libgomp-*.so*", SearchOption.AllDirectories).First();
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return said;
    }
}
