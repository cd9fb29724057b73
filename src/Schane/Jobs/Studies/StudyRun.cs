using System.Globalization;
using System.Text.Json;
using Schane.Checkpoints.Hub;
using Schane.Planning;
using Schane.Recipes;
using Schane.Training;

namespace Schane.Jobs.Studies;

/// <summary>
/// One run of a comparison or sweep in a process of its own: what <c>schane study-run</c> does, which <c>--jobs</c> starts. Runs side by
/// side then share no threads, random state or settings of the native libraries, and one that dies takes no other with it.
/// </summary>
internal static class StudyRun
{
    /// <summary>The verb that a command must have to make runs of a study.</summary>
    public const string Verb = "study-run";

    /// <summary>
    /// Makes the run that the first line of <paramref name="orders"/> tells of, or goes on with it. The end of the orders, which also
    /// comes with the end of the process that writes them, saves the run and stops.
    /// </summary>
    /// <param name="orders">One line of JSON from the process that makes the study, then nothing until its end.</param>
    /// <param name="told">Gets the share of the run that is done, 0 to 1, a number a line.</param>
    /// <param name="stop">Saves the run and stops.</param>
    /// <exception cref="SchaneException">The orders can't be read, or the recipe, its data or the folder break a rule.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static void Make(TextReader orders, TextWriter told, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(orders);
        ArgumentNullException.ThrowIfNull(told);
        var order = Read(orders.ReadLine());
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        new Thread(() =>
        {
            orders.ReadToEnd();
            Cancel(ended);
        })
        { IsBackground = true }.Start();
        var last = -1.0;
        order.Planned().Make(order.DataRoot, order.Hub, new Shares(share =>
        {
            if (share - last >= 1.0 / ManyRuns.Ticks)
                told.WriteLine((last = share).ToString(CultureInfo.InvariantCulture));
        }), ended.Token);
    }

    /// <summary>The line that tells another process what to make.</summary>
    internal static string Write(PlannedRun run, string? dataRoot, HubOptions? hub) =>
        JsonSerializer.Serialize(new Order(run.Path, RecipeFile.Write(run.Recipe), run.Label, IsTrial(run), run.ToleratesDivergence,
            dataRoot, hub));

    private static bool IsTrial(PlannedRun run) => run.View is null ? false : run.View == RunView.Trial ? true
        : throw new ArgumentException("Only trials and whole runs can be made in another process.", nameof(run));

    private static Order Read(string? line)
    {
        try
        {
            return JsonSerializer.Deserialize<Order>(line ?? "") ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw new SchaneException($"{Verb} is what `schane compare --jobs` and `schane sweep --jobs` start, with what to do on " +
                "stdin; train with `schane train`.", e);
        }
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The run has ended meanwhile.
        }
    }

    private sealed record Order(string Path, string Recipe, string Label, bool IsTrial, bool ToleratesDivergence, string? DataRoot,
        HubOptions? Hub)
    {
        public PlannedRun Planned() => new(Path, RecipeFile.Parse(Recipe, "the recipe of the run"), Label, IsTrial ? RunView.Trial : null)
        { ToleratesDivergence = ToleratesDivergence };
    }
}

/// <summary>The moments of a run's training as the share of it that is done.</summary>
internal sealed class Shares(Action<double> tell) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value is { Phase: "train", Message: null, Steps: > 0 })
            tell((double)value.Step / value.Steps);
    }
}
