namespace Schane.Reporting;

/// <summary>A comparison of objectives as one HTML file, like <see cref="RunReport"/>: verdicts in words, a forest plot of the paired
/// differences, tables.</summary>
internal static class CompareReport
{
    /// <summary>Arms that a title names; of more it tells how many.</summary>
    private const int MostNamed = 2;

    /// <summary>Writes the report of a comparison.</summary>
    /// <param name="compareFile">A file as <see cref="Comparison.Save"/> writes it.</param>
    /// <param name="htmlFile">Where the page shall stand; replaced if it is there.</param>
    /// <exception cref="SchaneException">The file is missing or damaged, its runs don't make a comparison, or the
    /// page can't be written.</exception>
    public static void Write(string compareFile, string htmlFile) => Write(Comparison.Load(compareFile), htmlFile);

    /// <summary>The same from memory.</summary>
    /// <inheritdoc cref="Write(string, string)" path="/exception"/>
    public static void Write(Comparison comparison, string htmlFile)
    {
        var table = ComparisonTable.Of(comparison);
        var metric = Metric.Of(table.Metric);
        var arms = table.Objectives.Select(row => row.Objective.Label).ToList();
        var title = $"{(arms.Count <= MostNamed ? string.Join(" and ", arms) : $"{arms.Count} settings")} on " +
            $"{comparison.Data ?? "unnamed data"}";
        ReportSection[] sections =
        [
            .. ((ReportSection?[])
            [
                VerdictSection.Of(table, metric, comparison),
                DifferenceSection.Of(table, metric, comparison),
                ObjectivesSection.Of(table, metric, comparison),
                ClassEffectSection.Of(comparison),
                Notes(comparison),
            ]).OfType<ReportSection>(),
        ];
        ReportFiles.Write(htmlFile, ReportPage.Render(title, Header(title, comparison, table), sections));
    }

    private static Html Header(string title, Comparison comparison, ComparisonTable table)
    {
        var seeds = table.Objectives.SelectMany(row => row.Seeds).Distinct().Count();
        string?[] facts =
        [
            comparison.Model,
            Quantity.Of(seeds, ObjectivesSection.Units(comparison)[..^1], ObjectivesSection.Units(comparison)),
            comparison.Budget is { } budget ? $"{budget} a run" : null,
            comparison.Images is { } images ? $"{Quantity.Count(images)} " +
                $"{(comparison.Part == "runs" ? "one-shot trials" : $"{HeadlineSection.PartName(comparison.Part)} images")}" : null,
            comparison.Schane is { } version ? $"Schane {version}" : null,
        ];
        return Html.Of($"""
            <h1>{title}</h1>
            <p class="sub">{string.Join(" · ", facts.Where(fact => !string.IsNullOrEmpty(fact)))}</p>
            """);
    }

    private static ReportSection Notes(Comparison comparison)
    {
        string[] notes =
        [
            .. (string[])(comparison.Against is { } against
                ? [$"All others are compared with {comparison.Objectives.First(objective => objective.Name == against).Label}, and with " +
                    "nothing else: p-values are adjusted for these differences alone."] : []),
            "Runs of one seed share their split, initial weights and batches; a difference is taken within each seed.",
            "Intervals over seeds hold for these test items; other items of the same kind would add their own scatter.",
            "A verdict rests on the paired t test, adjusted for all differences on this page (Holm); it says “no evidence” unless the " +
            "adjusted p is below 0.05, which is not the same as evidence of no difference.",
            .. (string[])(comparison.TestPerTrain is null ? [] : ["The runs are folds of a cross-validation; since folds share training " +
                "images, intervals and p-values of differences are widened (Nadeau and Bengio 2003)."]),
            .. comparison.Failed.Select(run => $"Left out, with the pairs it would be in, since it failed: {run.Label}."),
            .. comparison.Notes ?? [],
        ];
        return new("notes", "How to read this",
            Html.Of($"<ul class=\"prose\">\n{Html.Join(notes.Select(note => Html.Of($"<li>{note}</li>\n")))}</ul>"));
    }
}
