using Schane.Runs;

namespace Schane.Reporting;

/// <summary>The main results, with their intervals where they have any.</summary>
internal static class HeadlineSection
{
    /// <summary>A metric that is told in words.</summary>
    private const string Twins = "errors_inside_twin_groups";

    public static ReportSection? Of(RunResults? results, RunHistory history)
    {
        var last = history.Evaluations is [.., var newest] ? newest : null;
        var metrics = results?.Metrics is { Count: > 0 } final ? final
            : last?.Metrics?.Where(metric => metric.Value is not null).ToDictionary(metric => metric.Key, metric => metric.Value!.Value);
        if (metrics is null)
            return null;
        var shown = metrics.Keys
            .Where(key => !(key.EndsWith("_low", StringComparison.Ordinal) || key.EndsWith("_high", StringComparison.Ordinal))
                && key != Twins && metrics.Find(key) is not null)
            .Select(Metric.Of).OrderBy(metric => metric.Rank).ToArray();
        var tiles = shown.Select((metric, place) => Tile(
            metric, metrics.Find(metric.Key)!.Value, metrics.Find(metric.Key + "_low"),
            metrics.Find(metric.Key + "_high"), first: place == 0));
        var note = results?.IsMultiLabel == true ? Html.Of($"<p class=\"note\">Intervals over these images: Wilson’s of images without " +
                $"a mistake, else a bootstrap{FewImages.Words(results.Images)}. A class is named from its threshold on, the one with the " +
                $"best F1 on images that were held out. {results.ThresholdNote}</p>")
            : results?.Metrics is not { } known || (known.Find("macro_f1_low") ?? known.Find("top5_low")) is null ? Html.Empty
            : Html.Of($"<p class=\"note\">Intervals over these images: {(results.Folds is null ? "Wilson’s of top-1 and top-5" :
                "Clopper and Pearson’s of top-1, Wilson’s of top-5")}, else a bootstrap{FewImages.Words(results.Images)}.</p>");
        return new("results", "Results", Html.Of($"""
            <p class="lead">{Where(results, last)}{Among(results)}</p>
            <ul class="tiles">
            {Html.Join(tiles)}</ul>
            {note}{Probe(results, history.Probe)}
            """));
    }

    /// <summary>What the trunk gives without fine-tuning, beside what fine-tuning made of it.</summary>
    private static Html Probe(RunResults? results, ProbeEvent? first)
    {
        var found = results?.Probe;
        if (found is null && first is { Images: 0 } || (found?.Validation ?? first?.Metrics) is not { } validation)
            return Html.Empty;
        var metric = Metric.Of("top1");
        Html Shown(IReadOnlyDictionary<string, double> top1) => Html.Of($"{metric.Show(top1["top1"])}" +
            $"{(top1.Find("top1_low") is { } low && top1.Find("top1_high") is { } high ? $" ({Range(metric, low, high)})" : "")}");
        var where = results?.Folds is null ? "on the validation part" : "in the folds";
        var tested = found?.Test is { } test ? Html.Of($", {Shown(test)} on the test part") : Html.Empty;
        var mean = found?.Mean is { } both ? Html.Of($"; the mean of its weights and the fine-tuned ones {Shown(both)}") : Html.Empty;
        var tuned = found is null ? Html.Empty : found.FineTuned is null && found.Mean is null ? Html.Of($"; it is the run’s model")
            : Html.Of($"{(found.FineTuned is { } alone ? Html.Of($"; fine-tuned {Shown(alone)}") : Html.Empty)}{mean}, " +
                $"so the {found.KeptName} is kept");
        return Html.Of($"<p class=\"note\">The linear probe that the run began with: top-1 {Shown(validation)} " +
            $"{where}{tested}{tuned}{FewImages.Words(found?.Images ?? first!.Images)}.</p>");
    }

    private static Html Tile(Metric metric, double value, double? low, double? high, bool first)
    {
        var interval = low is { } from && high is { } to
            ? Html.Of($"""<span class="interval">95 % interval """ +
                $"""{Range(metric, from, to)}</span>{(metric.Share ? Scale(value, from, to) : Html.Empty)}""")
            : Html.Empty;
        return Html.Of($"""
            <li class="{(first ? "tile first" : "tile")}"><span class="label">{metric.Label}</span>
            <span class="value">{metric.Show(value)}</span>{interval}</li>

            """);
    }

    internal static string Range(Metric metric, double low, double high) => metric.Share
        ? $"{Quantity.PercentNumber(low)} to {Quantity.Percent(high)}"
        : $"{Quantity.Number(low)} to {Quantity.Number(high)}";

    /// <summary>The interval on a rule from 0 to 1.</summary>
    private static Html Scale(double value, double low, double high) => Html.Of($"""
        <svg class="scale" viewBox="0 0 200 10" aria-hidden="true"><line class="rule" x1="0" y1="5" x2="200" y2="5"/>
        <line class="range" x1="{At(low)}" y1="5" x2="{At(high)}" y2="5"/><circle cx="{At(value)}" cy="5" r="4"/></svg>
        """);

    private static string At(double share) => (4 + 192 * Math.Clamp(share, 0, 1)).ToString("0.#");

    private static Html Where(RunResults? results, EvaluationEvent? last)
    {
        if (results?.Metrics is not { Count: > 0 })
            return Html.Of($"On the {PartName(last!.Part)} part after step {last.Step}; the run has no final results yet.");
        var images = Quantity.Of(results.Images, "image", "images");
        if (results.Part == "runs")
            return Html.Of($"On {Quantity.Of(results.Images, "trial", "trials")} of the official one-shot runs.");
        var classes = results.Classes is { Count: > 0 } names ? $" in {Quantity.Of(names.Count, "class", "classes")}" : "";
        if (results.Folds is { } folds)
            return Html.Of($"On {images}{classes}, each named by a model that was trained without it, in one of {folds} folds. The run’s " +
                $"model has learnt from all of them.{(results.FoldsNote is { } note ? $" {note}" : "")}");
        return Html.Of($"On {images}{classes} of the {PartName(results.Part)} part.");
    }

    private static Html Among(RunResults? results) => results?.Metrics.Find(Twins) is { } share
        ? Html.Of($" {Quantity.Percent(share, 0)} of the errors stay inside a group of near twins.")
        : Html.Empty;

    internal static string PartName(string? part) =>
        part switch { "val" => "validation", "folds" => "out-of-fold", null => "evaluated", _ => part };
}
