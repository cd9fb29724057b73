using Schane.Runs;

namespace Schane.Reporting.Sections;

/// <summary>What came out, in a sentence, and what to do next.</summary>
internal static class ShortAnswerSection
{
    /// <summary>From this training accuracy on nothing more is to be had from the training images.</summary>
    private const double ByHeart = 0.97;

    /// <summary>How far a training accuracy lies above the measured one where a model has learnt by heart.</summary>
    private const double Apart = 0.1;

    public static ReportSection? Of(RunResults? results, RunHistory history) => results?.Metrics.Find(results.Headline) is null ? null
        : new("answer", "In short", Html.Of($"""
            <p class="lead">{Verdict(results)}</p>
            <ul class="prose">
            {Html.Join(Next(results, history).Select(sentence => Html.Of($"<li>{sentence}</li>\n")))}</ul>
            """));

    /// <summary>The figure with its interval, in a sentence.</summary>
    internal static string Verdict(RunResults results)
    {
        var metric = Metric.Of(results.Headline);
        var images = Quantity.Of(results.Images, results.Part == "runs" ? "trial" : "image", results.Part == "runs" ? "trials" : "images");
        var found = metric.HigherIsBetter ? "names" : "mistakes";
        var range = results.Metrics.Find($"{metric.Key}_low") is { } low && results.Metrics.Find($"{metric.Key}_high") is { } high
            ? $"; of others like them it would be {HeadlineSection.Range(metric, low, high)} (95\u202f% interval)" : "";
        if (results.IsMultiLabel)
            return $"The mean average precision over {Quantity.Of(results.PerClass!.Count(c => c.Images > 0), "class", "classes")} is " +
                $"{metric.Show(results.Metrics[metric.Key])} on {images} {(results.Folds is { } held
                    ? $"by models that were trained without them, in {held} folds"
                    : $"of the {HeadlineSection.PartName(results.Part)} part")}{range}.";
        if (results.Folds is { } folds)
            return $"Models that were trained without them, in {folds} folds, name {metric.Show(results.Metrics[metric.Key])} of " +
                $"{images} rightly{range}. The model that is kept has learnt from all of them.";
        return $"The model {found} {metric.Show(results.Metrics[metric.Key])} of {images} " +
            $"of the {HeadlineSection.PartName(results.Part)} part{(metric.HigherIsBetter ? " rightly" : "")}{range}.";
    }

    /// <summary>What would help most, at least one sentence.</summary>
    internal static IEnumerable<string> Next(RunResults results, RunHistory history)
    {
        if (results.IsMultiLabel)
            return [.. results.Images < FewImages.Enough
                ? [$"{Quantity.Of(results.Images, "image is", "images are")} too few to rely on the figure: label more."] : (string[])[],
                "The classes at the top of the table below gain most from more images."];
        if (results is not { PerClass: { Count: > 1 } classes, Classes: { } names, Confusion: { } counts })
            return ["Compare it with a run of other settings on the same data: schane report RUN --against OTHER."];
        var (matrix, top1) = (ConfusionMatrix.Of(names, counts), results.Metrics.Find("top1") ?? 0);
        var chance = (double)classes.Max(one => one.Images) / Math.Max(1, classes.Sum(one => one.Images));
        if (matrix.Mistakes.Count == 0)
            return ["No image was mistaken. Try it on images that were taken elsewhere: schane evaluate RUN --data FOLDER."];
        // labels are judged by folds of one training, which a mean of several runs isn't
        var labels = $"schane data labels {(results.AverageOf is null ? "RUN" : "on one of its runs")}";
        List<string> found = [];
        if (results.Metrics.Find("top1_low") is { } low && low <= chance)
            found.Add($"That is no better than to name the largest class each time ({Quantity.Percent(chance, 0)}).");
        if (results.Images < FewImages.Enough)
            found.Add($"{Quantity.Of(results.Images, "image is", "images are")} too few to rely on the figure: label more.");
        if (Learning(history, top1) is { } learning)
            found.Add(learning);
        if (matrix.Mistakes[0] is { Count: > 2 } worst && 4L * worst.Count >= matrix.Errors)
            found.Add($"{worst.Count} of the {matrix.Errors} mistakes take “{matrix.Classes[worst.Truth]}” for " +
                $"“{matrix.Classes[worst.Taken]}”: see whether their labels are right ({labels}), then add images of both.");
        return found.Count > 0 ? found
            : [$"The classes at the top of the table below gain most from more images; {labels} looks for wrong labels."];
    }

    private static string? Learning(RunHistory history, double top1)
    {
        double[] accuracies = [.. history.Steps.Select(step => step.Accuracy).OfType<double>()];
        if (accuracies.Length == 0)
            return null;
        var known = accuracies.TakeLast(Math.Max(1, accuracies.Length / 10)).Average();
        double[] validated = [.. history.Evaluations.Select(one => one.Metrics.Find("top1")).OfType<double>()];
        return known >= ByHeart && known - top1 >= Apart
            ? $"It names {Quantity.Percent(known, 0)} of its training images rightly, so more steps give nothing: more images do, above " +
                "all of the classes below."
            : known < ByHeart && validated is [.., var last] && validated.Length > 2 && last >= validated.Max()
                ? "It was still getting better when training ended: train longer, with a greater budget or more steps." : null;
    }
}
