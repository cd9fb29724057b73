using Schane.Evaluation.Drift;

namespace Schane.Reporting.Drift;

/// <summary>An image that came in: its name, the class it was answered with, how far it lies from the training images, and a small WebP of
/// it.</summary>
internal sealed record DriftImage(string Name, string Answer, double Distance, byte[] Picture);

/// <summary>The page that tells whether what comes in has drifted.</summary>
internal static class DriftPage
{
    private const int Bins = 30, MostClasses = 20;

    /// <summary>Writes it.</summary>
    /// <param name="path">Where; replaced if it is there.</param>
    /// <param name="run">The run's name.</param>
    /// <param name="drift">The tests.</param>
    /// <param name="shares">Classes answered, the largest change first.</param>
    /// <param name="before">Distances of the reference; null: they can't be told.</param>
    /// <param name="now">The same of what came in.</param>
    /// <param name="threshold">The distance beyond which an image is unknown.</param>
    /// <param name="farthest">Images to show.</param>
    /// <exception cref="SchaneException">It can't be written there.</exception>
    public static void Write(string path, string run, DriftReport drift, IReadOnlyList<ClassShare> shares, IReadOnlyList<double>? before,
        IReadOnlyList<double>? now, double? threshold, IReadOnlyList<DriftImage> farthest) =>
        ReportFiles.Write(path, ReportPage.Render($"Drift of {run}", Html.Of($"""
            <h1>Has what comes in drifted?</h1>
            <p class="sub">{Quantity.Of(drift.Incoming, "image", "images")} that came in beside
            {Quantity.Of(drift.Reference, "image", "images")} of the reference · {run}</p>
            """), [
            .. ((ReportSection?[])[Verdict(drift), Distances(before, now, threshold), Classes(shares), Images(farthest)])
                .OfType<ReportSection>()]));

    private static ReportSection Verdict(DriftReport drift) => new("verdict", "Verdict", Html.Of($"""
        <p class="lead">{DriftWords.Verdict(drift)}</p>
        {Tests(drift)}
        """));

    private static Html Tests(DriftReport drift) => drift.Tests.Count == 0 ? Html.Empty : Html.Of($"""
        <div class="scroll" role="region" aria-label="Tests" tabindex="0">
        <table id="tests-table">
        <thead><tr><th scope="col">What is compared</th><th scope="col">Found</th><th scope="col" class="number">p</th>
        <th scope="col" class="number">Adjusted p</th></tr></thead>
        <tbody>
        {Html.Join(drift.Tests.Select(test => Html.Of($"""
        <tr><th scope="row">{DriftWords.Subject(test)}</th><td>{DriftWords.Found(test, drift)}</td>
        {ClassSection.Number(Effect.P(test.P), test.P)}{ClassSection.Number(Effect.P(test.AdjustedP), test.AdjustedP)}</tr>

        """)))}</tbody>
        </table>
        </div>
        <p class="note">p: how often images of the same kind differ as much; adjusted for all tests together (Holm). Drift is what lies at
        or below {drift.Alpha.ToString("0.###")}.</p>
        """);

    private static ReportSection? Distances(IReadOnlyList<double>? before, IReadOnlyList<double>? now, double? threshold)
    {
        if (before is not { Count: > 0 } || now is not { Count: > 0 })
            return null;
        var width = Math.Max(before.Max(), now.Max()) / Bins;
        object Bars(IReadOnlyList<double> values, string name, string colour) => new
        {
            type = "bar",
            name,
            x = Enumerable.Range(0, Bins).Select(bin => Curve.Rounded((bin + 0.5) * width)),
            y = Enumerable.Range(0, Bins).Select(bin => Curve.Rounded((double)values.Count(v => Bin(v) == bin) / values.Count)),
            hovertemplate = $"{name}: %{{y:.1%}} at %{{x:.3f}}<extra></extra>",
            marker = new { color = colour, opacity = 0.6 },
        };
        int Bin(double value) => width > 0 ? Math.Min(Bins - 1, (int)(value / width)) : 0;
        double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);
        var figure = new Figure("distances", "Distance to the nearest training image",
            $"The median is {Median(now):0.000} of what came in and {Median(before):0.000} of the reference.", 340)
        {
            Data = [Bars(before, "Reference", "@series-1"), Bars(now, "Came in", "@series-2")],
            Layout = new
            {
                barmode = "overlay",
                bargap = 0,
                legend = new { orientation = "h", x = 0, y = 1.12 },
                xaxis = new { title = new { text = "Cosine distance" }, rangemode = "tozero" },
                yaxis = new { title = new { text = "Share of the images" }, tickformat = ".0%", rangemode = "tozero" },
                shapes = threshold is not { } limit ? [] : new[]
                {
                    new
                    {
                        type = "line", xref = "x", yref = "paper", x0 = limit, x1 = limit, y0 = 0, y1 = 1,
                        line = new { color = "@muted", width = 1, dash = "dot" },
                    },
                },
            },
        };
        return new("far", "How far from what was learnt", Html.Of($"""
            <p>{figure.Summary}{(threshold is null ? "" : " Right of the dotted line an image is unknown.")}</p>
            {figure.Show()}
            """), figure);
    }

    private static ReportSection Classes(IReadOnlyList<ClassShare> shares)
    {
        var shown = shares.Take(MostClasses).Reverse().ToArray();
        object Points(Func<ClassShare, double> share, string name, string colour) => new
        {
            type = "scatter",
            mode = "markers",
            name,
            x = shown.Select(s => Curve.Rounded(share(s))),
            y = Enumerable.Range(0, shown.Length),
            cliponaxis = false,
            hovertemplate = $"{name}: %{{x:.1%}}<extra></extra>",
            marker = new { color = colour, size = 10 },
        };
        var figure = new Figure("class-shares", "Share of each class answered", "The largest changes: " + string.Join(", ", shares.Take(3)
            .Select(s => $"{s.Class} from {Quantity.Percent(s.Before)} to {Quantity.Percent(s.Now)}")) + ".", 90 + 26 * shown.Length)
        {
            Data =
            [
                .. shown.Select(object (s, place) => new
                {
                    type = "scatter", mode = "lines",
                    x = new[] { Curve.Rounded(s.Before), Curve.Rounded(s.Now) }, y = new[] { place, place },
                    hoverinfo = "skip", showlegend = false, line = new { color = "@line", width = 2 },
                }),
                Points(s => s.Before, "Reference", "@series-1"), Points(s => s.Now, "Came in", "@series-2"),
            ],
            Layout = new
            {
                hovermode = "closest",
                legend = new { orientation = "h", x = 0, y = 1.12 },
                xaxis = new { tickformat = ".0%", rangemode = "tozero" },
                yaxis = new
                {
                    tickmode = "array", tickvals = Enumerable.Range(0, shown.Length),
                    ticktext = shown.Select(s => Figure.Text(s.Class, 24)),
                    range = new[] { -0.5, shown.Length - 0.5 }, showgrid = false, tickfont = new { color = "@text" },
                },
            },
        };
        return new("classes", "Which classes come in", Html.Of($"""
            <p>{figure.Summary}</p>
            {figure.Show(Html.Of($"The largest change first, {shown.Length} of {Quantity.Of(shares.Count, "class", "classes")}."))}
            """), figure);
    }

    private static ReportSection? Images(IReadOnlyList<DriftImage> farthest) => farthest.Count == 0 ? null
        : new("farthest", "Least like what was learnt", Html.Of($"""
            <p>The images that lie farthest from the training images, and the nearest class.</p>
            {Gallery.Of("Least like what was learnt", farthest.Select(image => Gallery.Card([Gallery.Thumbnail(image.Picture, image.Name)],
                Html.Name(image.Answer), Html.Of($"<span class=\"quiet\">{image.Distance.ToString("0.000")}</span>"))), narrow: true)}
            """));
}
