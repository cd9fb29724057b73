using Schane.Evaluation.Statistics;

namespace Schane.Reporting;

/// <summary>Each objective by itself: all its metrics in a table; its runs in a chart, which stands beside the verdict.</summary>
internal static class ObjectivesSection
{
    public static ReportSection Of(ComparisonTable table, Metric metric, Comparison comparison)
    {
        var rows = table.Objectives;
        var others = comparison.Runs.SelectMany(run => run.Metrics.Keys).Distinct()
            .Where(key =>
                key != metric.Key && !key.EndsWith("_low", StringComparison.Ordinal) && !key.EndsWith("_high", StringComparison.Ordinal)
                && comparison.Runs.All(run => run.Metrics.TryGetValue(key, out var value) && double.IsFinite(value)))
            .Select(Metric.Of).OrderBy(other => other.Rank).ToArray();
        var single = rows.All(row => row.Seeds.Count == 1);
        var body = new List<Html> { Row(metric, rows, comparison) };
        body.AddRange(others.Select(other => Row(other, ComparisonTable.Of(comparison, other.Key).Objectives, comparison)));
        if (comparison.Runs.All(run => run.Seconds is not null))
            body.Add(Row("Time of training", rows.Select(row =>
                Quantity.Duration(comparison.Runs.Where(run => run.Objective == row.Objective.Name).Average(run => run.Seconds!.Value)))));
        var note = single
            ? "One run of each; in brackets its 95 % interval over the test items: Wilson’s for accuracies and errors, else a bootstrap."
            : $"Mean ± half of the 95 % interval over {Units(comparison)} (Student t).";
        var labels = rows.Select(row => Html.Of($"<th scope=\"col\" class=\"number\">{row.Objective.Label}</th>"));
        return new("objectives", "Objectives", Html.Of($"""
            <p class="note above">{note}</p>
            <div class="scroll" role="region" aria-label="Metrics of the objectives" tabindex="0">
            <table id="objectives-table">
            <thead><tr><th scope="col">Metric</th>{Html.Join(labels)}</tr></thead>
            <tbody>
            {Html.Join(body)}</tbody>
            </table>
            </div>
            """));
    }

    private static Html Row(Metric metric, IReadOnlyList<ObjectiveRow> rows, Comparison comparison) =>
        Row(metric.Label, rows.Select(row => Value(metric, row, comparison)));

    private static Html Row(string label, IEnumerable<string> values) =>
        Html.Of(
            $"<tr><th scope=\"row\">{label}</th>{Html.Join(values.Select(value => Html.Of($"<td class=\"number\">{value}</td>")))}</tr>\n");

    private static string Value(Metric metric, ObjectiveRow row, Comparison comparison) =>
        row.Mean.HalfWidth is null && Ends(metric, row, comparison) is { } ends
            ? $"{Value(metric, row.Mean)} ({HeadlineSection.Range(metric, ends.Low, ends.High)})" : Value(metric, row.Mean);

    /// <summary>The interval over seeds; of a single run that over its test items; null where there is neither.</summary>
    private static (double Low, double High)? Ends(Metric metric, ObjectiveRow row, Comparison comparison)
    {
        if (row.Mean is { Low: { } low, High: { } high })
            return (low, high);
        var run = comparison.Runs.First(run => run.Objective == row.Objective.Name).Metrics;
        return run.TryGetValue($"{metric.Key}_low", out var from) && run.TryGetValue($"{metric.Key}_high", out var to) ? (from, to) : null;
    }

    private static string Value(Metric metric, Interval mean)
    {
        var half = mean.HalfWidth is { } width
            ? $" ± {(metric.Share ? Quantity.PercentNumber(width, 2) : width.ToString($"F{Decimals(mean.Mean)}"))}" : "";
        return metric.Share
            ? $"{Quantity.PercentNumber(mean.Mean, 2)}{half}\u202f%" : $"{mean.Mean.ToString($"F{Decimals(mean.Mean)}")}{half}";
    }

    /// <summary>Decimals that give a mean four significant digits; its interval has as many.</summary>
    private static int Decimals(double mean) => mean == 0 ? 3 : Math.Clamp(3 - (int)Math.Floor(Math.Log10(Math.Abs(mean))), 0, 8);

    /// <summary>What the runs of an objective differ in.</summary>
    internal static string Units(Comparison comparison) => comparison.TestPerTrain is null ? "seeds" : "folds";

    /// <summary>Each objective's mean with its interval over its runs.</summary>
    internal static Html Runs(Figure figure, ComparisonTable table, Comparison comparison)
    {
        var units = Units(comparison);
        var caption = table.Objectives.All(row => row.Seeds.Count == 1)
            ? "One run of each, with its 95 % interval over the test items."
            : $"Filled points: mean over {units} with its 95 % interval. Lines join the runs of one {units[..^1]}.";
        return figure.Show(Html.Of($"{caption}"));
    }

    internal static Figure Seeds(IReadOnlyList<ObjectiveRow> rows, Metric metric, Comparison comparison)
    {
        var ends = rows.Select(row => Ends(metric, row, comparison) ?? (row.Mean.Mean, row.Mean.Mean)).ToArray();
        var places = Enumerable.Range(0, rows.Count).ToArray();
        var lines = rows.SelectMany(row => row.Seeds).Distinct().Order().Select(object (seed) =>
        {
            var at = places.Where(place => rows[place].Seeds.Contains(seed)).ToArray();
            return new
            {
                type = "scatter",
                mode = "lines+markers",
                x = at,
                y = at.Select(place => Effect.Scaled(metric, rows[place].Values[rows[place].Seeds.ToList().IndexOf(seed)])),
                hovertemplate = $"{(comparison.TestPerTrain is null ? "Seed" : "Fold")} {seed}: %{{y:.2f}}<extra></extra>",
                line = new { color = "@line", width = 1 },
                marker = new { symbol = "circle-open", size = 6, color = "@muted" },
            };
        });
        return new("seeds", $"{metric.Label} of each {Units(comparison)[..^1]}",
            string.Join(" ", rows.Select(row => $"{row.Objective.Label}: {Value(metric, row, comparison)}.")), 340)
        {
            Data =
            [
                .. lines,
                new
                {
                    type = "scatter",
                    mode = "markers",
                    x = places,
                    y = rows.Select(row => Effect.Scaled(metric, row.Mean.Mean)),
                    error_y = new
                    {
                        type = "data", symmetric = false, array = rows.Select((row, place) => Effect.Scaled(metric,
                            ends[place].Item2 - row.Mean.Mean)), arrayminus = rows.Select((row, place) => Effect.Scaled(metric,
                                row.Mean.Mean - ends[place].Item1)), color = "@series-1", thickness = 2.5, width = 6
                    },
                    customdata = rows.Select(row => $"{Figure.Text(row.Objective.Label)}<br>{Value(metric, row, comparison)}"),
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
                    tickmode = "array", tickvals = places, ticktext = rows.Select(row => Figure.Text(row.Objective.Label, 24)),
                    range = new[] { -0.5, rows.Count - 0.5 }, showgrid = false, tickfont = new { color = "@text" }
                },
                yaxis = new { title = new { text = metric.Share ? $"{metric.Label}, %" : metric.Label } },
            },
        };
    }
}
