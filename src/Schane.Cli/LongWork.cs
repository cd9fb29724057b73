using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Schane.Cli;

/// <summary>One moment of long work, as it is shown.</summary>
/// <param name="Phase">What is being done: <c>train</c>.</param>
/// <param name="Done">Parts done, at most <paramref name="Total"/>.</param>
/// <param name="Total">All parts; 0 while unknown.</param>
/// <param name="Rate">Images a second, 0 while unknown.</param>
/// <param name="Left">Time left, null while unknown.</param>
/// <param name="Note">Something short beside the bar, for instance the loss.</param>
/// <param name="Message">A sentence to keep on the screen, null for none.</param>
/// <param name="Memory">Bytes that the process takes, 0 while unknown.</param>
internal sealed record Moment(string Phase, long Done, long Total, double Rate = 0, TimeSpan? Left = null, string Note = "",
    string? Message = null, long Memory = 0);

/// <summary>Shows long work: a bar on a terminal, now and then a plain line elsewhere.</summary>
internal static class LongWork
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Refresh = TimeSpan.FromSeconds(0.25);

    public static T Show<T>(Screen screen, Func<Action<Moment>, T> work) => screen.IsTerminal ? WithBar(work) : WithLines(screen, work);

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
                    screen.Say(moment.Total == 0 ? $"{moment.Phase} {moment.Done}{Details(moment)}"
                        : $"{moment.Phase} {moment.Done}/{moment.Total} ({(int)(100.0 * moment.Done / moment.Total)} %){Details(moment)}");
                }
            }
        });
    }

    private static T WithBar<T>(Func<Action<Moment>, T> work)
    {
        var details = new DetailsColumn();
        var result = default(T)!;
        var progress = Terminal.People.Progress();
        progress.RefreshRate = Refresh;
        progress
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), details)
            .Start(context =>
            {
                var bar = context.AddTask("prepare");
                bar.IsIndeterminate = true;
                result = work(moment =>
                {
                    if (moment.Message is not null)
                        Terminal.Write(moment.Message);
                    else
                    {
                        details.Text = Details(moment);
                        bar.Description = Markup.Escape(moment.Phase);
                        bar.IsIndeterminate = moment.Total == 0;
                        bar.MaxValue = Math.Max(1, moment.Total);
                        bar.Value = moment.Done;
                    }
                });
            });
        return result;
    }

    private static string Details(Moment moment) =>
        (moment.Note.Length > 0 ? $", {moment.Note}" : "") + (moment.Rate > 0 ? $", {moment.Rate:0} images/s" : "")
            + (moment.Left is { } left ? $", {Duration(left)} left" : "")
        + (moment.Memory > 0 ? $", {moment.Memory / 1e9:0.0} GB" : "");

    private static string Duration(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time:mm\\:ss}" : $"{time:m\\:ss}";

    private sealed class DetailsColumn : ProgressColumn
    {
        public string Text { get; set; } = "";

        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(Text.TrimStart(',', ' '));
    }
}
