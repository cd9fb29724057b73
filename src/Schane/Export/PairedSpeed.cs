using System.Diagnostics;

namespace Schane.Export;

/// <summary>How long passes of two models take, in turn, so that what else a machine does meets both alike.</summary>
/// <param name="First">Seconds of a pass, median.</param>
/// <param name="Second">Seconds of a pass of the other, median.</param>
/// <param name="Speedup">Median of first / second over the pairs.</param>
internal sealed record PairedSpeed(double First, double Second, double Speedup)
{
    private const int LeastPairs = 5, MostPairs = 201, Warming = 2;

    /// <summary>Runs pairs of passes for a time, at least 5 pairs and at most 201, the first of a pair by turns.</summary>
    public static PairedSpeed Of(Action first, Action second, TimeSpan time, CancellationToken stop = default)
    {
        List<double> one = [], other = [];
        for (var i = 0; i < Warming; i++)
        {
            Seconds(first);
            Seconds(second);
        }
        var clock = Stopwatch.StartNew();
        while (one.Count < LeastPairs || one.Count < MostPairs && clock.Elapsed < time)
        {
            stop.ThrowIfCancellationRequested();
            if (one.Count % 2 == 0)
                one.Add(Seconds(first));
            other.Add(Seconds(second));
            if (one.Count < other.Count)
                one.Add(Seconds(first));
        }
        return new(Median(one), Median(other), Median(one.Zip(other, (a, b) => a / b)));
    }

    private static double Seconds(Action pass)
    {
        var began = Stopwatch.GetTimestamp();
        pass();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted && sorted.Count % 2 == 1
        ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
}
