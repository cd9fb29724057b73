using System.Diagnostics;

namespace Schane.Cli;

/// <summary>One moment of long work, as it is shown.</summary>
/// <param name="Phase">What is being done: <c>train</c>.</param>
/// <param name="Done">Parts done, at most <paramref name="Total"/>.</param>
/// <param name="Total">All parts; 0 while unknown.</param>
/// <param name="Unit">What the parts are, after their number; null where only the share is told.</param>
/// <param name="Rate">Images a second, 0 while unknown.</param>
/// <param name="Left">Time left, null while unknown.</param>
/// <param name="Note">Something short beside the bar, for instance the loss.</param>
/// <param name="Message">A sentence to keep on the screen, null for none.</param>
/// <param name="Memory">Bytes that the process takes, 0 while unknown.</param>
internal sealed record Moment(string Phase, long Done, long Total, string? Unit = "", double Rate = 0, TimeSpan? Left = null,
    string Note = "", string? Message = null, long Memory = 0)
{
    /// <summary>The share that is done.</summary>
    public string Percent => $"{(int)(100.0 * Done / Math.Max(1, Total))} %";

    /// <summary>What stands behind the count, the most important first.</summary>
    public IEnumerable<string> Details => ((string?[])
    [
        Note.Length > 0 ? Note : null,
        Left is { } left ? $"{Duration(left)} left" : null,
        Rate > 0 ? $"{Rate:0} images/s" : null,
        Memory > 0 ? $"{Memory / 1e9:0.0} GB of memory" : null,
    ]).OfType<string>();

    private static string Duration(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time:mm\\:ss}" : $"{time:m\\:ss}";
}

/// <summary>Shows long work: a bar on a terminal, now and then a plain line elsewhere.</summary>
internal static class LongWork
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    public static T Show<T>(Screen screen, Func<Action<Moment>, T> work)
    {
        if (!screen.IsTerminal)
            return WithLines(screen, work);
        using var bar = new ProgressBar(screen);
        return work(bar.Show);
    }

    private static T WithLines<T>(Screen screen, Func<Action<Moment>, T> work)
    {
        var last = -Pause.TotalMilliseconds;
        var watch = Stopwatch.StartNew();
        return work(moment =>
        {
            lock (watch)
            {
                if (moment.Message is not null)
                    screen.Say(moment.Message);
                else if (watch.ElapsedMilliseconds - last >= Pause.TotalMilliseconds || moment.Done == moment.Total)
                {
                    last = watch.ElapsedMilliseconds;
                    var details = string.Concat(moment.Details.Select(detail => $", {detail}"));
                    screen.Say(moment.Total == 0 ? $"{moment.Phase} {moment.Done}{moment.Unit}{details}" : moment.Unit is null
                        ? $"{moment.Phase} ({moment.Percent}){details}"
                        : $"{moment.Phase} {moment.Done}/{moment.Total}{moment.Unit} ({moment.Percent}){details}");
                }
            }
        });
    }
}
