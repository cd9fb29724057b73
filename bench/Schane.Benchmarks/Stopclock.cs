using System.Diagnostics;

namespace Schane.Benchmarks;

/// <summary>Times of one action: wall, and process CPU time over the threads used, which other programs on the
/// machine disturb less.</summary>
internal readonly record struct Times(double Wall, double Cpu)
{
    public static Times Of(Action action, int repetitions, int threads)
    {
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        var (cpu, clock) = (process.TotalProcessorTime, Stopwatch.StartNew());
        for (var i = 0; i < repetitions; i++)
            action();
        var wall = clock.Elapsed;
        process.Refresh();
        return new(wall.TotalMilliseconds / repetitions, (process.TotalProcessorTime - cpu).TotalMilliseconds / repetitions / threads);
    }

    /// <summary>The actions in turn, again and again; the median of each.</summary>
    public static Times[] Interleaved(int rounds, int threads, params (Action Action, int Repetitions)[] actions)
    {
        var times = actions.Select(_ => new List<Times>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var a = 0; a < actions.Length; a++)
            {
                var time = Of(actions[a].Action, actions[a].Repetitions, threads);
                if (round > 0)                                                                   // the first warms up
                    times[a].Add(time);
            }
        }
        return [.. times.Select(t => new Times(Median(t.Select(x => x.Wall)), Median(t.Select(x => x.Cpu))))];
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
