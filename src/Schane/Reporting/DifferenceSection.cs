namespace Schane.Reporting;

/// <summary>The forest plot of paired differences, and the same in numbers.</summary>
internal static class DifferenceSection
{
    public static ReportSection? Of(ComparisonTable table, Metric metric, Comparison comparison)
    {
        var (bootstrap, units) = (comparison.Bootstrap, ObjectivesSection.Units(comparison));
        var rows = table.Differences;
        if (rows.Count == 0)
            return null;
        var figure = Forest(rows, metric, bootstrap);
        var lines = bootstrap is { Count: > 0 } ? $" Thin lines: 95 % interval of a bootstrap over test items and {units}." : "";
        var caption = Html.Of($"Filled points: mean over {units} with its 95 % interval (Student t). " +
            $"Rings: single {units}.{lines} {Better(metric)}");
        return new("differences", "Paired differences", Html.Of($"""
            {figure.Show(caption)}
            <div class="scroll" role="region" aria-label="Paired differences" tabindex="0">
            <table id="differences-table" class="sortable">
            <thead><tr>{ClassSection.Heading("Difference", false)}{ClassSection.Heading("Mean", true)}{Plain("95 % interval")}
            {(bootstrap is { Count: > 0 } ? Plain("Bootstrap") : Html.Empty)}
            {ClassSection.Heading($"{char.ToUpperInvariant(units[0])}{units[1..]}", true)}
            {ClassSection.Heading("Paired t, p", true)}{ClassSection.Heading("Adjusted p", true)}
            {ClassSection.Heading("Sign flips, p", true)}{Plain("Verdict")}</tr></thead>
            <tbody>
            {Html.Join(rows.Select(row => Row(row, metric, bootstrap)))}</tbody>
            </table>
            </div>
            <p class="note">Differences in {Effect.Unit(metric)}. {Least(rows, units)}</p>
            """), figure);
    }

    private static string Better(Metric metric) =>
        metric.HigherIsBetter ? "Right of zero the first objective is better." : "Left of zero the first objective is better.";

    private static string Least(IReadOnlyList<DifferenceRow> rows, string units) => string.Join(" ", rows
        .GroupBy(row => row.Seeds.Count).Select(same => $"With {Quantity.Of(same.Key, units[..^1], units)} the sign-flip p can’t be " +
            $"below {Effect.P(same.First().Paired.LeastSignFlipP)}."));

    private static Html Plain(string text) => Html.Of($"<th scope=\"col\">{text}</th>");

    private static Html Row(DifferenceRow row, Metric metric, IReadOnlyList<BootstrapInterval>? bootstrap)
    {
        var difference = row.Paired.Difference;
        var items = bootstrap is not { Count: > 0 } ? Html.Empty
            : Find(bootstrap, row) is { } found ? Html.Of($"<td class=\"range\">{Effect.Signed(metric, found.Low)} to " +
                $"{Effect.Signed(metric, found.High)}</td>") : Html.Of($"<td>–</td>");
        return Html.Of($"""
            <tr><th scope="row">{row.First.Label} − {row.Second.Label}</th>
            {ClassSection.Number(Effect.Signed(metric, difference.Mean), difference.Mean)}
            <td class="range">{Effect.Range(metric, difference)}</td>{items}
            {ClassSection.Number(Quantity.Count(row.Seeds.Count), row.Seeds.Count)}
            {ClassSection.Number(Effect.P(row.Paired.PValue), row.Paired.PValue)}{ClassSection.Number(Effect.P(row.HolmP), row.HolmP)}
            {ClassSection.Number(Effect.P(row.Paired.SignFlipP), row.Paired.SignFlipP)}<td>{Effect.Word(row.Verdict)}</td></tr>

            """);
    }

    private static BootstrapInterval? Find(IReadOnlyList<BootstrapInterval>? bootstrap, DifferenceRow row) =>
        bootstrap?.FirstOrDefault(one => one.First == row.First.Name && one.Second == row.Second.Name);

    private static Figure Forest(IReadOnlyList<DifferenceRow> rows, Metric metric, IReadOnlyList<BootstrapInterval>? bootstrap)
    {
        var seeds = rows.SelectMany((row, place) => row.Differences.Select((difference, i) =>
            (Place: place, Seed: row.Seeds[i], Difference: Effect.Scaled(metric, difference)))).ToArray();
        var items = rows.Select((row, place) => (Place: place, Found: Find(bootstrap, row))).Where(one => one.Found is not null).ToArray();
        var means = rows.Select((row, place) => (Place: place, row.Paired.Difference, Row: row)).ToArray();
        return new("forest", "Forest plot of the paired differences", string.Join(" ", rows.Select(row => $"{row.First.Label} minus " +
            $"{row.Second.Label}: {Effect.Signed(metric, row.Paired.Difference.Mean)} {Effect.Unit(metric)}, {Effect.Word(row.Verdict)}.")),
            110 + 64 * rows.Count)
        {
            Data =
            [
                new
                {
                    type = "scatter",
                    mode = "markers",
                    name = "Single runs",
                    x = seeds.Select(one => one.Difference),
                    y = seeds.Select(one => one.Place + 0.22),
                    customdata = seeds.Select(one => one.Seed),
                    hovertemplate = "Seed %{customdata}: %{x:+.3~f}<extra></extra>",
                    marker = new { symbol = "circle-open", size = 7, color = "@muted", line = new { width = 1.2 } },
                },
                .. items.Select(object (one) => new
                {
                    type = "scatter",
                    mode = "lines",
                    x = new[] { Effect.Scaled(metric, one.Found!.Low), Effect.Scaled(metric, one.Found.High) },
                    y = new[] { one.Place - 0.2, one.Place - 0.2 },
                    hovertemplate = "Bootstrap over items and runs: %{x:+.3~f}<extra></extra>",
                    line = new { color = "@series-2", width = 1.5 },
                }),
                new
                {
                    type = "scatter",
                    mode = "markers",
                    name = "Mean",
                    x = means.Select(one => Effect.Scaled(metric, one.Difference.Mean)),
                    y = means.Select(one => one.Place),
                    error_x = new
                    {
                        type = "data",
                        symmetric = true,
                        array = means.Select(one => Effect.Scaled(metric, one.Difference.HalfWidth ?? 0)),
                        color = "@series-1",
                        thickness = 2.5,
                        width = 6,
                    },
                    customdata = means.Select(one => $"{Figure.Text(one.Row.First.Label)} − " +
                        $"{Figure.Text(one.Row.Second.Label)}<br>{Effect.Signed(metric, one.Difference.Mean)}, 95 % interval " +
                        $"{Effect.Range(metric, one.Difference)}<br>{Effect.Word(one.Row.Verdict)}"),
                    hovertemplate = "%{customdata}<extra></extra>",
                    marker = new { size = 11, color = "@series-1" },
                },
            ],
            Layout = new
            {
                showlegend = false,
                hovermode = "closest",
                xaxis = new
                {
                    title = new { text = metric.Share ? "Difference, points" : "Difference" }, zeroline = true, zerolinecolor = "@text",
                    zerolinewidth = 1.5, rangemode = "tozero"
                },
                yaxis = new
                {
                    tickmode = "array", tickvals = means.Select(one => one.Place),
                    ticktext = rows.Select(row => $"{Figure.Text(row.First.Label, 28)}<br>− {Figure.Text(row.Second.Label, 28)}"),
                    range = new[] { rows.Count - 0.5, -0.5 }, showgrid = false, tickfont = new { color = "@text" }
                },
            },
        };
    }
}
