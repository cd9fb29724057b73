using Schane.Runs;

namespace Schane.Reporting.Sections;

/// <summary>How the run went, step by step: losses, accuracy, learning rate, the make-up of the batches, speed.</summary>
internal static class CurvesSection
{
    private const int Height = 260;

    /// <summary>Stretches of a curve that jumps from batch to batch.</summary>
    private const int Smooth = 40;

    /// <param name="history">The run's journal.</param>
    /// <param name="kept">Step whose weights the run kept; null where that is not known.</param>
    public static ReportSection? Of(RunHistory history, long? kept)
    {
        var steps = history.Steps;
        List<string> constant = [];
        var figures = ((Figure?[])
        [
            Accuracy(history, kept),
            Loss(history, kept),
            steps.All(s => s.Con is null && s.Ce is not null) ? null : Lines("objective", "Objective", steps, "0.3~r", false, constant,
                ("Joint", s => s.Loss), ("Contrastive", s => s.Con)),
            Lines("similarity", "Cosine between embeddings", steps, "0.3~f", false, constant, ("Positives", s => s.PositiveSimilarity),
                ("Negatives", s => s.NegativeSimilarity), ("Hardest negative", s => s.HardestNegative)),
            Lines("learning-rate", "Learning rate", steps, "~g", false, constant, ("Learning rate", s => s.Lr)),
            Lines("gradient", "Gradient norm", steps, "0.3~r", false, constant, ("Gradient norm", s => s.GradNorm)),
            Lines("schedules", "Settings of the loss", steps, "~g", true, constant, ("λ, share of the contrastive term", s => s.Lambda),
                ("τ, temperature", s => s.Temperature), ("β, hardness of negatives", s => s.Beta)),
            Lines("classes", "Classes in a batch", steps, "0.3~r", true, constant, ("Classes in a batch", s => s.Classes)),
            Lines("positives", "Positives per anchor", steps, "0.3~r", true, constant, ("Positives per anchor", s => s.Positives)),
            Lines("negatives", "Negatives per anchor", steps, "0.3~r", true, constant, ("Negatives per anchor", s => s.Negatives),
                ("Effective negatives: those that weigh", s => s.EffectiveNegatives)),
            Lines("without-positives", "Anchors without positives", steps, ".2~%", true, constant,
                ("Share of anchors without positives", s => s.WithoutPositives)),
            Lines("speed", "Images per second", steps, ",.3~r", true, constant, ("Images per second", s => s.ImagesPerSecond)),
            Lines("waiting", "Time spent waiting for data", steps, ".2~%", true, constant,
                ("Share of a step spent waiting", s => s.Waiting)),
        ]).OfType<Figure>().ToArray();
        return figures.Length == 0 ? null : new("curves", "Training", Html.Of($"""
            {Note(history, kept, constant)}
            <div class="grid">
            {Html.Join(figures.Select(figure => figure.Show()))}</div>
            """), figures);
    }

    /// <summary>Words behind a checkpoint that few validation images chose.</summary>
    private static string Chosen(RunHistory history, long kept) =>
        history.Steps is [.., var last] && kept < last.Step ? FewImages.Words((int)(history.Start?.ValImages ?? 0)) : "";

    private static Html Note(RunHistory history, long? kept, List<string> constant)
    {
        string?[] sentences =
        [
            kept is { } step ? $"The dotted line is at step {Quantity.Count(step)}, whose weights are the run’s model" +
                $"{Chosen(history, step)}." : null,
            Curve.Of(history.Steps, step => step.Loss ?? step.Ce) is { IsThinned: true }
                ? "Lines are means over stretches of steps; the band reaches from the least to the greatest value of a stretch." : null,
            history.Resumes.Any() ? "The run was interrupted and went on at step " +
                $"{string.Join(", ", history.Resumes.Select(step => Quantity.Count(step)))}." : null,
            constant.Count > 0 ? $"The same at every step: {string.Join("; ", constant)}." : null,
        ];
        var text = string.Join(' ', sentences.OfType<string>());
        return text.Length == 0 ? Html.Empty : Html.Of($"<p class=\"note\">{text}</p>");
    }

    /// <summary>A chart of quantities over the steps; those that never change are added to <paramref name="constant"/> in words.</summary>
    private static Figure? Lines(string id, string title, IReadOnlyList<StepEvent> steps, string format, bool fromZero,
        List<string> constant, params (string Name, Func<StepEvent, double?> Value)[] series)
    {
        var known = series.Select((one, place) => (one.Name, Curve: Curve.Of(steps, one.Value), Colour: $"@series-{place + 1}"))
            .Where(one => one.Curve is not null).ToArray();
        constant.AddRange(known.Where(one => one.Curve!.IsConstant).Select(one =>
            $"{char.ToLowerInvariant(one.Name[0])}{one.Name[1..]} {Quantity.Number(one.Curve!.Mean[0])}"));
        var curves = known.Where(one => !one.Curve!.IsConstant).ToArray();
        if (curves.Length == 0)
            return null;
        var summary = string.Join(" ", curves.Select(one =>
            $"{one.Name}: {Quantity.Number(one.Curve!.Mean[0])} at first, {Quantity.Number(one.Curve.Mean[^1])} at the end."));
        return new(id, title, summary, Height)
        {
            Data = [.. curves.SelectMany(one => Drawn(one.Name, one.Curve!, one.Colour))],
            Layout = new
            {
                showlegend = curves.Length > 1, xaxis = StepAxis(steps[^1].Step),
                yaxis = Axis(format, fromZero, curves.Max(one => one.Curve!.High.Max()))
            },
        };
    }

    /// <summary>The line of a curve, over its band where it is thinned.</summary>
    private static IEnumerable<object> Drawn(string name, Curve curve, string colour, bool band = true)
    {
        if (band && curve.IsThinned)
            yield return new
            {
                type = "scatter",
                mode = "lines",
                x = curve.Steps.Concat(curve.Steps.Reverse()),
                y = curve.High.Concat(curve.Low.Reverse()),
                fill = "toself",
                fillcolor = colour + "-faint",
                line = new { width = 0 },
                hoverinfo = "skip",
                showlegend = false,
            };
        yield return new
        { type = "scatter", mode = "lines", name, x = curve.Steps, y = curve.Mean, line = new { color = colour, width = 2 } };
    }

    private static Figure? Accuracy(RunHistory history, long? kept) => Beside("accuracy", "Accuracy", history, kept, Curve.Of(
        history.Steps, s => s.Accuracy, Smooth), [("top1", ""), ("ema_top1", "Averaged weights"), ("map", "Mean average precision"),
            ("ema_map", "Mean average precision, averaged weights")],
        new { tickformat = ".0%", hoverformat = ".1%", range = new[] { 0, 1.02 } });

    private static Figure? Loss(RunHistory history, long? kept) => Beside("loss", "Cross-entropy, nats", history, kept, Curve.Of(
        history.Steps, s => s.Ce, Smooth), [("nll", ""), ("ema_nll", "Averaged weights")],
        new { tickformat = "0.3~r", hoverformat = "0.3~r", rangemode = "tozero", nticks = 6 });

    /// <summary>A quantity of the training images beside the same of the parts that are measured on the way.</summary>
    private static Figure? Beside(string id, string title, RunHistory history, long? kept, Curve? training,
        (string Key, string Name)[] metrics, object axis)
    {
        var measured = (
            from part in history.Evaluations.Select(one => one.Part).Distinct()
            from metric in metrics
            let points = history.Evaluations.Where(one => one.Part == part && one.Metrics.Find(metric.Key) is not null)
                .Select(one => (one.Step, Value: one.Metrics.Find(metric.Key)!.Value)).ToArray()
            where points.Length > 0
            select (Name: $"{metric.Name}{(metric.Name.Length > 0 ? ", " : "")}{HeadlineSection.PartName(part)}", Points: points))
            .Take(3).ToArray();
        if (training is null && measured.Length == 0)
            return null;
        var last = Math.Max(history.Steps is [.., var step] ? step.Step : 0, measured.Max(one => (long?)one.Points[^1].Step) ?? 0);
        var ends = measured.Select(one => (one.Name, one.Points[^1].Value))
            .Concat(training is null ? [] : [("training", training.Mean[^1])]);
        return new(id, title, string.Join(" ", ends.Select(end => $"{end.Item1}: {Quantity.Number(end.Item2)} at the end.")), Height)
        {
            Data =
            [
                .. training is null ? [] : Drawn("training", training, "@series-1", band: false),
                .. measured.Select(object (one, place) => new
                {
                    type = "scatter",
                    mode = one.Points.Length > 40 ? "lines" : "lines+markers",
                    name = one.Name,
                    x = one.Points.Select(point => point.Step),
                    y = one.Points.Select(point => Curve.Rounded(point.Value)),
                    line = new { color = $"@series-{place + 2}", width = 2 },
                    marker = new { size = 6 },
                }),
            ],
            Layout = new { showlegend = true, xaxis = StepAxis(last), yaxis = axis, shapes = Mark(kept) },
        };
    }

    private static object[] Mark(long? kept) => kept is not { } step ? [] : [new
    {
        type = "line", x0 = step, x1 = step, y0 = 0, y1 = 1, yref = "paper", line = new { color = "@muted", width = 1.5, dash = "dot" },
    }];

    /// <summary>A little room beyond the last step, so that no mark on it is cut.</summary>
    private static object StepAxis(long last) =>
        new { title = new { text = "Step" }, range = new[] { 0, 1.015 * Math.Max(1, last) }, hoverformat = ",.0f", tickformat = ",~f" };

    private static object Axis(string format, bool fromZero, double greatest) => fromZero && greatest > 0
        ? new { tickformat = format, hoverformat = format, range = new[] { 0, 1.12 * greatest }, nticks = 6 }
        : new { tickformat = format, hoverformat = format, range = (double[])null!, nticks = 6 };
}
