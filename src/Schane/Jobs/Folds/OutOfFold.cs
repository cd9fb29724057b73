using System.Numerics.Tensors;
using Schane.Evaluation;
using Schane.Evaluation.Statistics;
using Schane.Inference;
using Schane.Recipes;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Jobs.Folds;

// n images over all folds, C classes.

/// <summary>What models said of images that they had not been trained on. Where a run's model learns from all images, this takes the place
/// of a part that is kept aside.</summary>
/// <param name="Logits">[n, C], row by row.</param>
/// <param name="Labels">[n].</param>
/// <param name="Images">Names of the images.</param>
/// <param name="Folds">Fold of each image, from 0.</param>
/// <param name="Planned">Folds that the images were divided into; there may have been time for fewer.</param>
/// <param name="Probe">The linear probe beside fine-tuning; null where there was none.</param>
internal sealed record OutOfFold(
    double[] Logits, long[] Labels, IReadOnlyList<string> Images, IReadOnlyList<int> Folds, int Planned,
    ProbeResults? Probe)
{
    /// <summary>[n, C], which classes the images show, where they may show several; null where each shows one.</summary>
    public bool[]? Truth { get; private init; }

    /// <summary>How many folds there were.</summary>
    public int Count => Folds.Max() + 1;

    /// <summary>How many there were to be, where there were fewer.</summary>
    public int? Wanted => Count < Planned ? Planned : null;

    private int Classes => Logits.Length / Labels.Length;

    /// <summary>Joins the folds; where the linear probe did better in them than fine-tuning, what it said.</summary>
    public static OutOfFold Of(IReadOnlyList<FoldOutputs> folds, int planned, Recipe recipe)
    {
        long[] labels = [.. folds.SelectMany(fold => fold.Labels)];
        double[] trained = [.. folds.SelectMany(fold => fold.Logits)];
        var probed = folds.All(fold => fold.ProbeLogits is not null) ? folds.SelectMany(fold => fold.ProbeLogits!).ToArray() : null;
        var probe = probed is null ? null : ProbeStart.Compare(Figures(probed), recipe.Steps == 0 ? null : Figures(trained), null,
            labels.Length, recipe.BestMetric);
        return new(probe is { Kept: true } ? probed! : trained, labels, [.. folds.SelectMany(fold => fold.Images)],
            [.. folds.SelectMany((fold, i) => fold.Labels.Select(_ => i))], planned, probe)
        { Truth = folds.All(fold => fold.Truth is not null) ? [.. folds.SelectMany(fold => fold.Truth!)] : null };

        Dictionary<string, double> Figures(double[] logits)
        {
            using var scope = NewDisposeScope();
            return ProbeStart.Figures(Classification.Of(tensor(logits).view(labels.Length, -1), tensor(labels)));
        }
    }

    /// <summary>
    /// Accuracy, with an interval for that of the model of all images. The outcomes of a fold hang on one model, which has learnt from
    /// fewer images: n of them count as the (k − 1)/k · n that a fold's model learns from (docs/log.md has how often the interval covers).
    /// </summary>
    public Interval Top1 => Interval.ClopperPearson(Right * Share, Labels.Length * Share);

    private double Share => (Planned - 1.0) / Planned;

    private int Right => Enumerable.Range(0, Labels.Length).Count(row =>
        TensorPrimitives.IndexOfMax<double>(Logits.AsSpan(row * Classes, Classes)) == Labels[row]);

    /// <summary>What is told of the folds once all are done.</summary>
    public string Sentence() => Truth is { } truth
        ? $"{Count} folds: a mean average precision of {LabelSetScores.Of(Logits, truth, Answers(), Classes).Map.Mean:P1} on " +
            $"{Labels.Length} images, by models that had not seen them; now the model of all of them."
        : $"{Count} folds: {Right} of {Labels.Length} images named rightly by models that had not seen them" +
        (Probe is { Mean: not null, Kept: var kept } ? $"; {(kept ? "the linear probe did better, and is now fitted on"
            : "fine-tuning from the linear probe did no worse, and now learns from")} all of them." : "; now the model of all of them.");

    /// <summary>The temperature and thresholds of the model of all images; null where images may show several classes.</summary>
    public CalibratedConfidence? Confidence() => Truth is null ? CalibratedConfidence.Fit(Logits, Classes, Labels) : null;

    /// <summary>The thresholds of each class of the model of all images; null where each image shows one class.</summary>
    public ClassThresholds? Thresholds() => Truth is { } truth ? ClassThresholds.Fit(Logits, truth, Classes) : null;

    /// <summary>Which classes each image is said to show, [n, C], by thresholds that the other folds chose.</summary>
    public bool[] Answers()
    {
        var answers = new bool[Logits.Length];
        for (var fold = 0; fold < Count; fold++)
        {
            T[] Of<T>(T[] table, bool own) =>
                [.. Enumerable.Range(0, table.Length).Where(at => Folds[at / Classes] == fold == own).Select(at => table[at])];
            var thresholds = ClassThresholds.Fit(Of(Logits, own: false), Of(Truth!, own: false), Classes);
            var given = LabelSetScores.Answers(Of(Logits, own: true), thresholds.Values);
            var next = 0;
            for (var at = 0; at < answers.Length; at++)
                if (Folds[at / Classes] == fold)
                    answers[at] = given[next++];
        }
        return answers;
    }

    /// <summary>The logits over a temperature that the other folds chose, so that no image has a say in its own probabilities.</summary>
    public double[] Calibrated()
    {
        var calibrated = new double[Logits.Length];
        for (var fold = 0; fold < Count; fold++)
        {
            int[] others = [.. Enumerable.Range(0, Labels.Length).Where(row => Folds[row] != fold)];
            var temperature = CalibratedConfidence.Fit([.. others.SelectMany(row => Logits.AsSpan(row * Classes, Classes).ToArray())],
                Classes, [.. others.Select(row => Labels[row])]).Temperature;
            foreach (var row in Enumerable.Range(0, Labels.Length).Except(others))
                for (var i = row * Classes; i < (row + 1) * Classes; i++)
                    calibrated[i] = Logits[i] / temperature;
        }
        return calibrated;
    }
}
