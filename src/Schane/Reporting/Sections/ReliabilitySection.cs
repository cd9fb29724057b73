using Schane.Runs;

namespace Schane.Reporting.Sections;

/// <summary>Whether a confidence of 80 % is right 80 times of 100.</summary>
internal static class ReliabilitySection
{
    public static ReportSection? Of(RunResults? results)
    {
        var bins = results?.Reliability?.Where(bin =>
            bin.Images > 0 && Quantity.Finite(bin.Accuracy) is not null && Quantity.Finite(bin.Confidence) is not null).ToArray();
        if (bins is not { Length: > 0 })
            return null;
        var total = bins.Sum(bin => bin.Images);
        var gap = bins.Sum(bin => bin.Images * (bin.Confidence - bin.Accuracy)) / total;
        var verdict = Math.Abs(gap) < 0.01
            ? "On the whole the model is as sure as it is right."
            : $"On the whole the model is {(gap > 0 ? "surer than it is right" : "less sure than it could be")}: its mean confidence " +
                $"lies {Quantity.PercentNumber(Math.Abs(gap))} points {(gap > 0 ? "above" : "below")} its accuracy.";
        if (results!.Metrics.TryGetValue("ece_raw", out var raw))
            verdict += (results.Folds is null
                ? " Its probabilities are those that predict gives, after a temperature that the validation images chose; "
                : " Its probabilities are those of each fold after a temperature that the other folds chose; all together chose that of " +
                    "predict; ") + $"before it the calibration error was {Quantity.Percent(raw)}.";
        if (total < FewImages.Enough)
            verdict += $" All this rests on {Quantity.Of(total, "image", "images")} only.";
        var figure = new Figure("reliability", "Reliability diagram", verdict, 420)
        {
            Data =
            [
                new
                {
                    type = "scatter", mode = "lines", name = "As sure as right", x = new[] { 0, 1 }, y = new[] { 0, 1 }, hoverinfo = "skip",
                    line = new { color = "@muted", width = 1, dash = "dot" }
                },
                Bars(bins, "Accuracy", "y", bin => Curve.Rounded(bin.Accuracy), "@series-1",
                    "Confidence %{customdata[1]:.1%}<br>Accuracy %{y:.1%}<br>%{customdata[0]:,} images<extra></extra>"),
                new
                {
                    type = "scatter",
                    mode = "markers",
                    name = "Mean confidence",
                    x = bins.Select(bin => Curve.Rounded(bin.Confidence)),
                    y = bins.Select(bin => Curve.Rounded(bin.Accuracy)),
                    hoverinfo = "skip",
                    marker = new { color = "@series-2", size = 7 },
                },
                Bars(bins, "Images", "y2", bin => bin.Images, "@muted", "%{y:,} images<extra></extra>"),
            ],
            Layout = new
            {
                showlegend = false,
                hovermode = "closest",
                bargap = 0.06,
                xaxis = new { title = new { text = "Confidence" }, range = new[] { 0, 1 }, tickformat = ".0%", anchor = "y2" },
                yaxis = new { title = new { text = "Accuracy" }, range = new[] { 0, 1.02 }, tickformat = ".0%", domain = new[] { 0.3, 1 } },
                yaxis2 = new { title = new { text = "Images" }, domain = new[] { 0, 0.2 }, nticks = 3, rangemode = "tozero" },
            },
        };
        var caption = Html.Of($"""
            Bars: accuracy of the predictions in each stretch of confidence; points: at their mean confidence. On the dotted line a model is
            as sure as it is right. Below: how many images.
            """);
        return new("calibration", "Calibration", Html.Of($"""
            <p>{verdict}</p>
            <div class="narrow">{figure.Show(caption)}</div>
            """), figure);
    }

    private static object Bars(ReliabilityBin[] bins, string name, string axis, Func<ReliabilityBin, double> height,
        string colour, string hover) => new
        {
            type = "bar",
            name,
            x = bins.Select(bin => (bin.Low + bin.High) / 2),
            width = bins.Select(bin => 0.94 * (bin.High - bin.Low)),
            y = bins.Select(height),
            yaxis = axis,
            customdata = bins.Select(bin => new[] { bin.Images, Curve.Rounded(bin.Confidence) }),
            hovertemplate = hover,
            marker = new { color = colour, opacity = 0.75 },
        };
}
