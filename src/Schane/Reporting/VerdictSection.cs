namespace Schane.Reporting;

/// <summary>The answer in a sentence, the runs in a figure, then a line for each difference.</summary>
internal static class VerdictSection
{
    public static ReportSection Of(ComparisonTable table, Metric metric, Comparison comparison)
    {
        var figure = ObjectivesSection.Seeds(table.Objectives, metric, comparison);
        var units = ObjectivesSection.Units(comparison);
        var items = table.Differences.Select(row => Html.Of($"""
            <li class="{Class(row.Verdict)}"><b>{row.First.Label}</b> against <b>{row.Second.Label}</b>:
            <strong>{Effect.Word(row.Verdict)}</strong>{Detail(row, metric, units)}</li>

            """));
        IReadOnlyList<string> outlook = table.Differences.Count == 0 ? [] : Outlook.Of(table, comparison.TestPerTrain);
        var lead = outlook is [.., var next] ? Flagged(next) : Html.Of($"There is nothing to compare yet.");
        var list = table.Differences.Count == 0 ? Html.Empty : Html.Of($"""
            <p class="note above">By {metric.Words}{(metric.HigherIsBetter ? "" : ", where less is better")}.</p>
            <ul class="verdicts">
            {Html.Join(items)}</ul>
            <ul class="prose">
            {Html.Join(outlook.Skip(1).SkipLast(1).Select(sentence => Html.Of($"<li>{sentence}</li>\n")))}</ul>
            """);
        return new("verdict", "Verdict", Html.Of($"""
            <p class="lead">{lead}</p>
            {ObjectivesSection.Runs(figure, table, comparison)}{list}
            """), figure);
    }

    /// <summary>A sentence whose flag no line breaks.</summary>
    private static Html Flagged(string sentence) =>
        sentence.LastIndexOf(" --", StringComparison.Ordinal) + 1 is > 0 and var at && sentence.IndexOf(' ', at) is > 0 and var end
            ? Html.Of($"{sentence[..at]}<code>{sentence[at..end]}</code>{sentence[end..]}") : Html.Of($"{sentence}");

    private static string Class(Verdict verdict) => verdict switch { Verdict.Helped => "helped", Verdict.Hurt => "hurt", _ => "open" };

    private static Html Detail(DifferenceRow row, Metric metric, string units)
    {
        var difference = row.Paired.Difference;
        var size = $"{Effect.Signed(metric, difference.Mean)}{(metric.Share ? " points" : "")}";
        return row.HolmP is { } p
            ? Html.Of($" <span class=\"quiet\">{size}, 95 % interval {Effect.Range(metric, difference)}, adjusted p {Effect.P(p)}, " +
                $"{Quantity.Of(row.Seeds.Count, units[..^1], units)}</span>")
            : Html.Of($" <span class=\"quiet\">{size} on one {units[..^1]}; a verdict needs at least two, better eight</span>");
    }
}
