using System.Text.Json;

namespace Schane.Evaluation;

/// <summary>From which probability on each class of a model that may name several is named. Chosen on validation images for the best F1 of
/// the class; ½ where none of these shows it.</summary>
/// <param name="Values">C probabilities.</param>
/// <param name="Images">C numbers of images that showed the class when it was chosen.</param>
internal sealed record ClassThresholds(IReadOnlyList<double> Values, IReadOnlyList<int> Images)
{
    /// <summary>½ for all classes.</summary>
    public static ClassThresholds Half(int classes) => new([.. Enumerable.Repeat(0.5, classes)], new int[classes]);

    /// <summary>The thresholds of the best F1.</summary>
    /// <param name="logits">[n, C].</param>
    /// <param name="truth">[n, C].</param>
    /// <param name="classes">C.</param>
    public static ClassThresholds Fit(double[] logits, bool[] truth, int classes)
    {
        var columns = Enumerable.Range(0, classes)
            .Select(c => (Logits: LabelSetScores.Column(logits, classes, c), Truth: LabelSetScores.Column(truth, classes, c))).ToList();
        return new([.. columns.Select(c => new Ranking(c.Logits, c.Truth).BestThreshold(c.Logits))],
            [.. columns.Select(c => c.Truth.Count(yes => yes))]);
    }

    /// <summary>The classes that are named, most probable first.</summary>
    /// <param name="probabilities">C.</param>
    public int[] Named(IReadOnlyList<double> probabilities) => [.. Enumerable.Range(0, Values.Count)
        .Where(c => probabilities[c] >= Values[c]).OrderByDescending(c => probabilities[c])];

    internal string ToJson() => JsonSerializer.Serialize(this);

    internal static ClassThresholds? Parse(string? json, int classes, string path)
    {
        try
        {
            var found = json is null ? null : JsonSerializer.Deserialize<ClassThresholds>(json);
            return found is null || (found.Values?.Count == classes && found.Images?.Count == classes) ? found
                : throw new SchaneException($"'{path}' is damaged: it has {classes} classes, but not as many thresholds.");
        }
        catch (JsonException e)
        {
            throw new SchaneException($"'{path}' is damaged: its thresholds can't be read ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
