namespace Schane.Reporting;

/// <summary>The answer in a sentence for each difference.</summary>
internal static class VerdictSection
{
    public static ReportSection? Of(ComparisonTable table, Metric metric, double? testPerTrain)
    {
        if (table.Differences.Count == 0)
            return null;
        var items = table.Differences.Select(row => Html.Of($"""
            <li class="{Class(row.Verdict)}"><b>{row.First.Label}</b> against <b>{row.Second.Label}</b>:
            <strong>{Effect.Word(row.Verdict)}</strong>{Detail(row, metric)}</li>

            """));
        return new("verdict", "Verdict",
            Html.Of($"<p class=\"lead\">By {metric.Words}{(metric.HigherIsBetter ? "" : ", where less is better")}.</p>\n<ul " +
                $"class=\"verdicts\">\n{Html.Join(items)}</ul>\n<ul class=\"prose\">\n" +
                $"{Html.Join(Outlook.Of(table, testPerTrain).Select(sentence => Html.Of($"<li>{sentence}</li>\n")))}</ul>"));
    }

    private static string Class(Verdict verdict) => verdict switch { Verdict.Helped => "helped", Verdict.Hurt => "hurt", _ => "open" };

    private static Html Detail(DifferenceRow row, Metric metric)
    {
        var difference = row.Paired.Difference;
        var size = $"{Effect.Signed(metric, difference.Mean)}{(metric.Share ? " points" : "")}";
        return row.HolmP is { } p
            ? Html.Of($" <span class=\"quiet\">{size}, 95 % interval {Effect.Range(metric, difference)}, adjusted p {Effect.P(p)}, " +
                $"{Quantity.Of(row.Seeds.Count, "seed", "seeds")}</span>")
            : Html.Of($" <span class=\"quiet\">{size} on one seed; a verdict needs at least two, better eight</span>");
    }
}
