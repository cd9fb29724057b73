using Schane.Runs;

namespace Schane.Reporting.Sections;

/// <summary>How the run went, step by step: losses, accuracy, learning rate, the make-up of the batches, speed.</summary>
internal static class CurvesSection
{
    private const int Height = 260;

    public static ReportSection? Of(RunHistory history)
    {
        var steps = history.Steps;
        var figures = new List<Figure>();
        AddNotNull(Lines("loss", "Loss", steps, "0.3~r", false, ("Joint", s => s.Loss), ("Cross-entropy", s => s.Ce),
            ("Contrastive", s => s.Con)));
        AddNotNull(Accuracy(history.Evaluations));
        AddNotNull(Lines("learning-rate", "Learning rate", steps, "~g", false, ("Learning rate", s => s.Lr)));
        if (Moves(s => s.Lambda) || Moves(s => s.Temperature) || Moves(s => s.Beta))
            AddNotNull(Lines("schedules", "Settings of the loss", steps, "~g", true, ("λ, share of the contrastive term", s => s.Lambda),
                ("τ, temperature", s => s.Temperature), ("β, hardness of negatives", s => s.Beta)));
        AddNotNull(Lines("gradient", "Gradient norm", steps, "0.3~r", false, ("Gradient norm", s => s.GradNorm)));
        AddNotNull(Lines("classes", "Classes in a batch", steps, "0.3~r", true, ("Classes", s => s.Classes)));
        AddNotNull(Lines("positives", "Positives per anchor", steps, "0.3~r", true, ("Positives", s => s.Positives)));
        AddNotNull(Lines("negatives", "Negatives per anchor", steps, "0.3~r", true, ("Negatives", s => s.Negatives),
            ("Effective: those that weigh", s => s.EffectiveNegatives)));
        AddNotNull(Lines("similarity", "Cosine between embeddings", steps, "0.3~f", false, ("Positives", s => s.PositiveSimilarity),
            ("Negatives", s => s.NegativeSimilarity), ("Hardest negative", s => s.HardestNegative)));
        if (steps.Any(step => step.WithoutPositives > 0))
            AddNotNull(Lines("without-positives", "Anchors without positives", steps, ".2~%", true,
                ("Share of anchors", s => s.WithoutPositives)));
        AddNotNull(Lines("speed", "Images per second", steps, ",.3~r", true, ("Images per second", s => s.ImagesPerSecond)));
        AddNotNull(Lines("waiting", "Time spent waiting for data", steps, ".2~%", true, ("Share of a step", s => s.Waiting)));
        if (figures.Count == 0)
            return null;
        var note = figures.Any(figure => figure.Data.Count > 0) && steps.Count > 0 ? Note(history) : Html.Empty;
        return new("curves", "Training", Html.Of($"""
            {note}
            <div class="grid">
            {Html.Join(figures.Select(figure => figure.Show()))}</div>
            """), figures);

        bool Moves(Func<StepEvent, double?> of) => steps.Select(of).Distinct().Skip(1).Any();

        void AddNotNull(Figure? figure)
        {
            if (figure is not null)
                figures.Add(figure);
        }
    }

    private static Html Note(RunHistory history)
    {
        var thinned = Curve.Of(history.Steps, step => step.Loss ?? step.Ce) is { IsThinned: true };
        var text = thinned ? Html.Of(
            $"Lines are means over stretches of steps; the band reaches from the least to the greatest value of a stretch. ") : Html.Empty;
        var resumed = history.Resumes.Any()
            ? Html.Of(
                $"The run was interrupted and went on at step {string.Join(", ", history.Resumes.Select(step => Quantity.Count(step)))}.")
            : Html.Empty;
        return text.IsEmpty && resumed.IsEmpty ? Html.Empty : Html.Of($"<p class=\"note\">{text}{resumed}</p>");
    }

    private static Figure? Lines(string id, string title, IReadOnlyList<StepEvent> steps, string format, bool fromZero,
        params (string Name, Func<StepEvent, double?> Value)[] series)
    {
        var curves = series.Select((one, place) => (one.Name, Curve: Curve.Of(steps, one.Value), Colour: $"@series-{place + 1}"))
            .Where(one => one.Curve is not null).ToArray();
        if (curves.Length == 0)
            return null;
        var bands = curves.Where(one => one.Curve!.IsThinned).Select(object (one) => new
        {
            type = "scatter",
            mode = "lines",
            x = one.Curve!.Steps.Concat(one.Curve.Steps.Reverse()),
            y = one.Curve.High.Concat(one.Curve.Low.Reverse()),
            fill = "toself",
            fillcolor = one.Colour + "-faint",
            line = new { width = 0 },
            hoverinfo = "skip",
            showlegend = false,
        });
        var lines = curves.Select(object (one) => new
        {
            type = "scatter",
            mode = "lines",
            name = one.Name,
            x = one.Curve!.Steps,
            y = one.Curve.Mean,
            line = new { color = one.Colour, width = 2 },
        });
        var summary = string.Join(" ", curves.Select(one =>
            $"{one.Name}: {Quantity.Number(one.Curve!.Mean[0])} at first, {Quantity.Number(one.Curve.Mean[^1])} at the end."));
        return new(id, title, summary, Height)
        {
            Data = [.. bands, .. lines],
            Layout = new
            {
                showlegend = curves.Length > 1, xaxis = StepAxis(steps[^1].Step),
                yaxis = Axis(format, fromZero, curves.Max(one => one.Curve!.High.Max()))
            },
        };
    }

    private static Figure? Accuracy(IReadOnlyList<EvaluationEvent> evaluations)
    {
        (string Key, string Name)[] shown = [("top1", "Top-1"), ("ema_top1", "Top-1 of averaged weights"),
            ("mean_per_class", "Mean per class"), ("top5", "Top-5")];
        var series =
            from part in evaluations.Select(one => one.Part).Distinct()
            from metric in shown
            let points = evaluations.Where(one => one.Part == part && one.Metrics.Find(metric.Key) is not null)
                .Select(one => (one.Step, Value: one.Metrics.Find(metric.Key)!.Value)).ToArray()
            where points.Length > 0
            select (Name: $"{metric.Name}, {HeadlineSection.PartName(part)}", Points: points);
        var drawn = series.Take(4).ToArray();
        if (drawn.Length == 0)
            return null;
        return new("accuracy", "Accuracy",
            string.Join(" ", drawn.Select(one => $"{one.Name}: {Quantity.Percent(one.Points[^1].Value)} at the end.")), Height)
        {
            Data = [.. drawn.Select(object (one, place) => new
            {
                type = "scatter",
                mode = one.Points.Length > 40 ? "lines" : "lines+markers",
                name = one.Name,
                x = one.Points.Select(point => point.Step),
                y = one.Points.Select(point => Curve.Rounded(point.Value)),
                line = new { color = $"@series-{place + 1}", width = 2 },
                marker = new { size = 6 },
            })],
            Layout = new
            { showlegend = true, xaxis = StepAxis(evaluations[^1].Step), yaxis = new { tickformat = ".0%", hoverformat = ".1%" } },
        };
    }

    /// <summary>A little room beyond the last step, so that no mark on it is cut.</summary>
    private static object StepAxis(long last) =>
        new { title = new { text = "Step" }, range = new[] { 0, 1.015 * Math.Max(1, last) }, hoverformat = ",.0f", tickformat = ",~f" };

    private static object Axis(string format, bool fromZero, double greatest) => fromZero && greatest > 0
        ? new { tickformat = format, hoverformat = format, range = new[] { 0, 1.12 * greatest }, nticks = 6 }
        : new { tickformat = format, hoverformat = format, range = (double[])null!, nticks = 6 };
}
