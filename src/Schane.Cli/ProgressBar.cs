using System.Diagnostics;
using System.Text;

namespace Schane.Cli;

/// <summary>One line on stderr that is drawn again as work goes on; sentences to keep go above it.</summary>
internal sealed class ProgressBar(Screen screen) : IDisposable
{
    private static readonly TimeSpan Refresh = TimeSpan.FromSeconds(0.25);

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private TimeSpan drawn = -Refresh;
    private string line = "";

    public void Show(Moment moment)
    {
        lock (watch)
        {
            if (moment.Message is { } message)
            {
                Clear();
                screen.Say(message);
            }
            else
                line = Line(moment, (Terminal.ErrorWidth ?? 1) - 1);
            if (moment.Message is not null || watch.Elapsed - drawn >= Refresh)
            {
                drawn = watch.Elapsed;
                Console.Error.Write(Terminal.ClearLine + line);
            }
        }
    }

    public void Dispose()
    {
        lock (watch)
            Clear();
    }

    private static void Clear() => Console.Error.Write(Terminal.ClearLine);

    /// <summary>What fits into the width: the least important details go first, then the bar.</summary>
    internal static string Line(Moment moment, int width)
    {
        if (moment.Total == 0)
            return Fitting(moment.Phase, moment.Details, width);
        var bar = Math.Clamp(width / 4, 8, 30);
        var full = (int)(bar * moment.Done / moment.Total);
        var shown = $"{moment.Phase} {new string('━', full)}{new string('─', bar - full)} {moment.Percent}";
        return TextLayout.Cells(shown) <= width ? Fitting(shown, moment.Details, width)
            : Fitting($"{moment.Phase} {moment.Percent}", moment.Details, width);
    }

    private static string Fitting(string start, IEnumerable<string> details, int width)
    {
        var text = new StringBuilder(start);
        foreach (var detail in details)
        {
            if (TextLayout.Cells($"{text}, {detail}") > width)
                break;
            text.Append(", ").Append(detail);
        }
        return TextLayout.Cells(start) <= width ? text.ToString() : "";
    }
}
