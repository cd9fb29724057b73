using System.Globalization;
using Schane.Data.Dividing;
using Schane.Runs;
using Schane.Verification;

namespace Schane.Reporting;

/// <summary>Warnings, recipe and environment of a run.</summary>
internal static class RunSections
{
    /// <summary>Images that can't be read named on the page.</summary>
    private const int MostNamed = 12;

    public static ReportSection? Warnings(RunHistory history)
    {
        var warnings = history.Warnings.GroupBy(warning => warning.Message)
            .Select(same => Item(same.Key, When([.. same.Select(one => one.Step).OfType<long>()], same.Count())));
        var skipped = history.Skipped.DistinctBy(one => one.Image).ToArray();
        var named = skipped.Take(MostNamed).Select(one => Item(one.Reason, When([one.Step], 1)));
        List<Html> items = [.. warnings, .. named];
        if (skipped.Length > MostNamed)
            items.Add(Item($"{Quantity.Of(skipped.Length - MostNamed, "more image", "more images")} could not be read.", ""));
        if (history.Overflows.ToArray() is [.., var newest] overflows)
            items.Add(Item($"{Quantity.Of(overflows.Length, "step was", "steps were")} left out because a half-precision gradient " +
                $"overflowed; the loss scale is {newest.LossScale:0} since.",
                When([.. overflows.Select(one => one.Step)], overflows.Length)));
        return items.Count == 0 ? null : new("warnings", "Warnings", Html.Of($"<ul class=\"warnings\">\n{Html.Join(items)}</ul>"));
    }

    private static Html Item(string message, string when) => Html.Of($"<li>{message} <span class=\"quiet\">{when}</span></li>\n");

    private static string When(long[] steps, int times) => steps switch
    {
        [] => times > 1 ? $"{times} times" : "",
        [var once] => once == 0 ? "before the first step" : $"step {Quantity.Count(once)}",
        _ => $"{times} times, steps {Quantity.Count(steps.Min())} to {Quantity.Count(steps.Max())}",
    };

    public static ReportSection? Recipe(string path)
    {
        if (!File.Exists(path))
            return null;
        var lines = File.ReadAllText(path).ReplaceLineEndings("\n").TrimEnd().Split('\n').Select(line => Html.Of($"{line}\n"));
        return new("recipe", "Recipe",
            Html.Of($"""<pre tabindex="0" role="region" aria-label="Recipe"><code>{Html.Join(lines)}</code></pre>"""));
    }

    public static ReportSection? Environment(RunHistory history, RunResults? results, string splits)
    {
        var (start, end) = (history.Start, history.End);
        (string Name, string? Value)[] facts =
        [
            ("Started", Time(start?.Time)),
            ("Schane", start?.Schane ?? results?.Schane),
            ("Device", start?.Device),
            ("Threads", Count(start?.Threads)),
            ("Precision", start?.Precision),
            ("Arithmetic", (history.Proof?.Error ?? results?.ArithmeticError) is { } error ? ProofResult.Sentence(error)
                : history.Proof?.LeftOut),
            ("Loss kernel", start?.Kernel),
            ("Data", start?.Data ?? results?.Data),
            ("Images", Images(start)),
            ("Not used", File.Exists(splits) && Splits.Load(splits).NotUsed is { } counts
                ? string.Join(", ", counts.Select(reason => $"{Quantity.Count(reason.Value)} {reason.Key}")) : null),
            ("Classes", Count(start?.Classes)),
            ("Model", start?.Model ?? results?.Model),
            ("First weights", start?.Weights),
            ("Parameters", Count(start?.Parameters)),
            ("Of these trained", Count(start?.Trained)),
            ("Loss", start?.Loss ?? results?.Loss),
            ("λ, share of the contrastive term", Number(start?.Lambda)),
            ("τ, temperature", Number(start?.Temperature)),
            ("β, weight of hard negatives", Number(start?.Beta)),
            ("Batch", start?.Batch is { } batch
                ? Quantity.Of(batch, "image", "images") + (start.Views > 1 ? $", {start.Views} views each" : "") : null),
            ("Steps planned", Count(start?.Steps)),
            ("Steps left out", results?.SkippedSteps is > 0 and var left ? Count(left) : null),
            ("Epochs", Number(start?.Epochs)),
            ("Seed", (start?.Seed ?? results?.Seed)?.ToString(CultureInfo.InvariantCulture)),
            ("Time of training", (end?.Seconds ?? results?.Seconds) is { } seconds ? Quantity.Duration(seconds) : null),
            ("Images per second", results?.ImagesPerSecond is { } rate ? Quantity.Number(rate) : null),
            ("Ended", end?.Reason),
        ];
        var known = facts.Where(fact => !string.IsNullOrEmpty(fact.Value)).ToArray();
        if (known.Length == 0)
            return null;
        var rows = known.Select(fact => Html.Of($"<div><dt>{fact.Name}</dt><dd>{fact.Value}</dd></div>\n"));
        return new("environment", "Environment", Html.Of($"<dl class=\"facts\">\n{Html.Join(rows)}</dl>"));
    }

    private static string? Count(long? value) => value is { } number ? Quantity.Count(number) : null;

    private static string? Number(double? value) => value is { } number ? number.ToString("0.####") : null;

    private static string? Images(StartEvent? start)
    {
        var parts = ((long? Count, string Name)[])[(start?.TrainImages, "training"),
            (start?.ValImages, "validation"), (start?.TestImages, "test")];
        return string.Join(", ", parts.Where(part => part.Count is > 0).Select(part => $"{Quantity.Count(part.Count)} {part.Name}"));
    }

    internal static string? Time(string? time) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at.ToString("d MMMM yyyy, HH:mm zzz") : time;
}
