using Schane.Losses;
using Schane.Reporting.Sections;
using Schane.Runs;

namespace Schane.Reporting;

/// <summary>A run as one HTML file that needs nothing beside it: it works offline, in light and dark, on a phone and on paper.</summary>
internal static class RunReport
{
    /// <summary>Writes the report of a run from the run folder alone: journal, results, predictions, embeddings, small images,
    /// <c>label-errors.csv</c> and recipe. A part whose file or field is missing is left out.</summary>
    /// <param name="runFolder">The run's folder; nothing in it is changed, unless the page is written there.</param>
    /// <param name="htmlFile">Path of the page; an existing file is replaced.</param>
    /// <exception cref="SchaneException">The folder is not there or holds neither journal nor results, a file of the run is damaged, or the
    /// page can't be written.</exception>
    public static void Write(string runFolder, string htmlFile) => Write(runFolder, htmlFile, keep: null);

    /// <summary>The same; <paramref name="keep"/> is told, before that, which images the page will show.</summary>
    internal static void Write(string runFolder, string htmlFile, IImageKeeper? keep)
    {
        if (!Directory.Exists(runFolder))
            throw new SchaneException($"There is no run folder '{runFolder}'.");
        var run = RunFolder.Elsewhere(runFolder);
        var history = RunHistory.Read(run.Journal);
        var results = JsonFile.Read<RunResults>(run.Results);
        var thumbnails = new Thumbnails(run.Thumbnails);
        // of several classes an image, no answer is right or wrong as a whole
        var images = results?.IsMultiLabel == true ? null : RunImages.Of(run, results?.Part, thumbnails);
        if (images is not null)
        {
            keep?.KeepThumbnails(images.Part, images.Pictures);
            keep?.KeepActivations(images.Part,
                images.Mistakes.DistinctBy(images.Name).ToDictionary(images.Name, row => images.Answer(row)!.Predicted));
            keep?.KeepThumbnails(images.Part, images.OnMap, atLeisure: true);
        }
        var suspects = LabelErrorsSection.Read(run.LabelErrors);
        if (suspects is { All: > 0 })
            keep?.KeepThumbnails("train", suspects.Shown.Select(suspect => suspect.Image));
        ReportSection[] sections =
        [
            .. ((ReportSection?[])
            [
                ShortAnswerSection.Of(results, history),
                HeadlineSection.Of(results, history),
                RunSections.Warnings(history),
                ConfusionSection.Of(results),
                SureMistakesSection.Of(images),
                SureMistakesSection.Right(images),
                PairsSection.Of(images),
                LabelErrorsSection.Of(suspects, thumbnails),
                ClassSection.Of(results),
                MapSection.Of(images),
                ReliabilitySection.Of(results),
                CurvesSection.Of(history, results?.Probe is { Kept: true } ? null : history.End?.Kept),
                RunSections.Environment(history, results, run.Splits),
                RunSections.Recipe(run.Recipe),
            ]).OfType<ReportSection>(),
        ];
        if (history.Start is null && history.Steps.Count == 0 && results is null)
            throw new SchaneException($"'{runFolder}' holds neither a journal nor results; there is nothing to report.");
        var title = Title(history, results);
        ReportFiles.Write(htmlFile, ReportPage.Render(title, Header(title, history, results), sections));
    }

    private static string Title(RunHistory history, RunResults? results) =>
        $"{LossName(results?.Loss ?? history.Start?.Loss)} on {results?.Data ?? history.Start?.Data ?? "unnamed data"}";

    internal static string LossName(string? loss) => loss is null ? "A run" : LossRegistry.TryFind(loss)?.Label ?? loss;

    private static Html Header(string title, RunHistory history, RunResults? results)
    {
        var done = results?.Steps ?? history.End?.Step ?? (history.Steps is [.., var newest] ? newest.Step : null);
        var seconds = results?.Seconds ?? history.End?.Seconds;
        string?[] facts =
        [
            results?.Model ?? history.Start?.Model,
            Averaged(results),
            done is { } steps ? Quantity.Of(steps, "step", "steps") + (seconds is { } time ? $" in {Quantity.Duration(time)}" : "") : null,
            (results?.Seed ?? history.Start?.Seed) is { } seed ? $"seed {seed}" : null,
            RunSections.Time(history.Start?.Time),
        ];
        return Html.Of($"""
            <h1>{title}</h1>
            <p class="sub">{string.Join(" · ", facts.Where(fact => !string.IsNullOrEmpty(fact)))}</p>
            {Unfinished(history, done)}
            """);
    }

    private static string? Averaged(RunResults? results) => results?.AverageOf is not { } runs ? null
        : results.Average is { } kind ? $"{kind} of {string.Join(", ", runs)}" : $"from {runs[0]}";

    /// <summary>A page made from a run that did not reach its end says so at the top.</summary>
    private static Html Unfinished(RunHistory history, long? done)
    {
        if (history.Steps.Count == 0 && history.Start is null)
            return Html.Empty;
        var planned = history.Start?.Steps is { } steps ? $" of {Quantity.Count(steps)}" : "";
        if (history.End is null)
            return Html.Of($"""<p class="notice">The journal has no end: the run was still going, or was cut off, after step """ +
                $"""{Quantity.Count(done ?? 0)}{planned}.</p>""");
        if (history.End.Reason != "finished" && history.Start?.Steps > history.End.Step)       // one that ends with its time may make fewer
            return Html.Of($"""<p class="notice">The run ended early, after step """ +
                $"""{Quantity.Count(history.End.Step)}{planned}{(history.End.Reason is { } reason ? $": {reason}" : "")}.</p>""");
        return Html.Empty;
    }
}
