using System.Globalization;
using System.Text;

namespace Schane.Tests.Samples;

/// <summary>The figure of docs/method.md, drawn from its formulas in float64: one anchor, a positive and negatives of every cosine.
/// SCHANE_APPROVE=1 rewrites it.</summary>
[Trait("Long", "1")]
public class WeightingFigure
{
    private const double Temperature = 0.5, PositiveCosine = 0.7, Least = -0.2, Most = 0.9;
    private const int Negatives = 45;
    private const double Width = 330, Height = 230, Top = 52;

    private static readonly (double Beta, bool Detached, string Name, string Colour)[] curves =
    [
        (0, false, "β = 0 (SupCon)", "#6b7280"), (0.5, false, "β = 0.5", "#0f9d76"), (1, false, "β = 1", "#2563eb"),
        (2, false, "β = 2", "#c2410c"), (1, true, "β = 1, weights detached", "#2563eb"),
    ];

    [Fact]
    public void The_figure_of_the_method_page_is_what_its_formulas_give()
    {
        var path = Path.Combine(ReadmeTests.Root(), "docs", "img", "weighting.svg");
        var svg = Draw();
        if (Environment.GetEnvironmentVariable("SCHANE_APPROVE") == "1")
            File.WriteAllText(path, svg);
        Assert.Equal(File.ReadAllText(path), svg);
        Assert.Contains("](img/weighting.svg)", File.ReadAllText(Path.Combine(ReadmeTests.Root(), "docs", "method.md")));
    }

    [Fact]
    public void In_the_figure_weights_have_mean_1_and_the_pushes_of_one_anchor_are_what_a_small_step_changes()
    {
        foreach (var (beta, detached, name, _) in curves)
        {
            var cosines = Cosines();
            var (weights, pushes) = At(cosines, beta, detached);
            Assert.Equal(1, weights.Average(), 1e-12);
            if (detached)
                continue;
            const double step = 1e-6;                                     // of a cosine
            for (var k = 0; k < Negatives; k += 11)
            {
                double Moved(double by) => Loss([.. cosines.Select((c, i) => i == k ? c + by : c)], beta);
                Assert.True(Math.Abs((Moved(step) - Moved(-step)) / (2 * step) * Temperature - pushes[k]) < 1e-8, name);
            }
        }
    }

    private static double[] Cosines() => [.. Enumerable.Range(0, Negatives).Select(k => Least + (Most - Least) * k / (Negatives - 1))];

    private static double Loss(double[] cosines, double beta)
    {
        var (sum, hard) = (cosines.Sum(c => Math.Exp(beta * c / Temperature)), cosines.Sum(c => Math.Exp((1 + beta) * c / Temperature)));
        return Math.Log(Math.Exp(PositiveCosine / Temperature) + cosines.Length * hard / sum) - PositiveCosine / Temperature;
    }

    /// <summary>Weight of each negative, and the slope of the anchor's loss at its s.</summary>
    private static (double[] Weights, double[] Pushes) At(double[] cosines, double beta, bool detached)
    {
        double[] s = [.. cosines.Select(c => c / Temperature)];
        var sum = s.Sum(v => Math.Exp(beta * v));
        double[] weights = [.. s.Select(v => s.Length * Math.Exp(beta * v) / sum)];
        var negatives = s.Zip(weights, (v, w) => w * Math.Exp(v)).Sum();
        var denominator = Math.Exp(PositiveCosine / Temperature) + negatives;
        return (weights, [.. s.Zip(weights,
            (v, w) => w * (detached ? Math.Exp(v) : (1 + beta) * Math.Exp(v) - beta * negatives / s.Length) / denominator)]);
    }

    private static string Draw()
    {
        var cosines = Cosines();
        var svg = new StringBuilder("""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 340" font-family="system-ui, sans-serif" font-size="13" fill="#1f2937">
            <rect width="860" height="340" rx="8" fill="#ffffff"/>

            """.Replace("\r", ""));
        Panel(svg, 56, "weight w of a negative", [0, 1, 2, 3, 4, 5],
            [.. curves.Where(c => !c.Detached).Select(c => (c, At(cosines, c.Beta, c.Detached).Weights))], cosines);
        Panel(svg, 486, "push: slope of the loss at its s, × 45", [0, 2, 4, 6, 8, 10, 12],
            [.. curves.Select(c => (c, At(cosines, c.Beta, c.Detached).Pushes.Select(p => p * Negatives).ToArray()))], cosines, from: -1);
        return svg.Append("</svg>\n").ToString();
    }

    private static void Panel(StringBuilder svg, double left, string title, double[] ticks,
        ((double Beta, bool Detached, string Name, string Colour) Curve, double[] Values)[] lines, double[] cosines, double from = 0)
    {
        double X(double cosine) => left + (cosine - Least) / (Most - Least) * Width;
        double Y(double value) => Top + Height - (value - from) / (ticks[^1] - from) * Height;
        Line($"<text x=\"{left - 24}\" y=\"28\" font-size=\"15\" font-weight=\"600\">{title}</text>");
        foreach (var tick in ticks)
        {
            var colour = tick == 0 ? "#9ca3af" : "#e5e7eb";
            Line(Text($"<line x1=\"{left}\" x2=\"{left + Width}\" y1=\"{Y(tick):0.0}\" y2=\"{Y(tick):0.0}\" stroke=\"{colour}\"/>"));
            Line(Text($"<text x=\"{left - 8}\" y=\"{Y(tick) + 4.5:0.0}\" text-anchor=\"end\">{tick}</text>"));
        }
        foreach (var tick in (double[])[-0.2, 0, 0.2, 0.4, 0.6, 0.8])
            Line(Text($"<text x=\"{X(tick):0.0}\" y=\"{Top + Height + 20}\" text-anchor=\"middle\">{tick}</text>"));
        Line(Text($"<text x=\"{left + Width / 2}\" y=\"{Top + Height + 42}\" text-anchor=\"middle\">") +
            "cosine of the negative to the anchor</text>");
        for (var l = 0; l < lines.Length; l++)
        {
            var (curve, values) = lines[l];
            var dash = curve.Detached ? " stroke-dasharray=\"6 4\"" : "";
            Line($"<polyline fill=\"none\" stroke=\"{curve.Colour}\" stroke-width=\"2.2\"{dash} " +
                $"points=\"{string.Join(' ', cosines.Zip(values, (c, v) => Text($"{X(c):0.0},{Y(v):0.0}")))}\"/>");
            var y = Top + 14 + 19 * l;
            Line(Text($"<line x1=\"{left + 14}\" x2=\"{left + 40}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{curve.Colour}\"") +
                $" stroke-width=\"2.2\"{dash}/>");
            Line(Text($"<text x=\"{left + 48}\" y=\"{y + 4.5}\">{curve.Name}</text>"));
        }

        void Line(string text) => svg.Append(text).Append('\n');
        static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }
}
