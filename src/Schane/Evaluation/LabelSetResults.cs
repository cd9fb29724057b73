using Schane.Runs;

namespace Schane.Evaluation;

// n images, C classes, row by row.

/// <summary>What a run leaves of a measurement where images may show several classes.</summary>
internal static class LabelSetResults
{
    /// <summary>The results with each class by itself, and which classes each image was said to show.</summary>
    /// <param name="results">To fill in.</param>
    /// <param name="logits">[n, C].</param>
    /// <param name="truth">[n, C].</param>
    /// <param name="answers">[n, C].</param>
    /// <param name="images">Names of the images.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="thresholds">Of the model.</param>
    /// <returns>The results, and an item an image: right where no class is missing or too many.</returns>
    public static (RunResults Results, PredictedItem[] Items) Of(RunResults results, double[] logits, bool[] truth, bool[] answers,
        IReadOnlyList<string> images, IReadOnlyList<string> classes, ClassThresholds thresholds)
    {
        var found = LabelSetScores.Of(logits, truth, answers, classes.Count);
        string Names(int row, bool[] holds) =>
            string.Join(';', Enumerable.Range(0, classes.Count).Where(c => holds[row * classes.Count + c]).Select(c => classes[c]));
        return (results with
        {
            Images = found.Count,
            Metrics = found.Named(),
            Classes = classes,
            PerClass = [.. found.Classes.Select((c, label) => new ClassResult(classes[label], c.Images, c.Recall, c.Precision, c.Recall)
            {
                AveragePrecision = c.AveragePrecision,
                F1 = c.F1,
                Threshold = thresholds.Values[label],
                ThresholdImages = thresholds.Images[label],
            })],
        }, [.. images.Select((image, row) => (Label: Names(row, truth), Predicted: Names(row, answers), image, row))
            .Select(one => new PredictedItem
            {
                Image = one.image,
                Group = one.row,
                Label = one.Label,
                Predicted = one.Predicted,
                Confidence = double.NaN,
                Right = one.Label == one.Predicted,
            })]);
    }
}
