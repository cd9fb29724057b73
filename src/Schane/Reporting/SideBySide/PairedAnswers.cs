using Schane.Evaluation;
using Schane.Evaluation.Statistics;
using Schane.Runs;

namespace Schane.Reporting.SideBySide;

/// <summary>The answers of two runs to the same images.</summary>
/// <param name="First">Name of the one run.</param>
/// <param name="Second">Name of the other.</param>
/// <param name="Items">Answers of both to each image that both were measured on.</param>
internal sealed record PairedAnswers(string First, string Second, IReadOnlyList<(PredictedItem First, PredictedItem Second)> Items)
{
    /// <summary>Below this p a difference counts.</summary>
    private const double Significance = 0.05;

    /// <summary>Reads the answers of two runs.</summary>
    /// <exception cref="SchaneException">A run has kept no answers, or they are of different images.</exception>
    public static PairedAnswers Of(RunFolder first, RunFolder second)
    {
        var answers = Answers(second).GroupBy(item => item.Image).ToDictionary(same => same.Key, same => same.First());
        var all = Answers(first);
        var (one, other) = (NameOf(first), NameOf(second));
        List<(PredictedItem First, PredictedItem Second)> items = [.. all.Where(item =>
            answers.TryGetValue(item.Image, out var same) && same.Label == item.Label).Select(item => (item, answers[item.Image]))];
        return items.Count > 0 ? new(one, other, items) : throw new SchaneException($"Runs '{one}' and '{other}' were measured on " +
            $"different images: none of the {all.Count} of '{one}' is one of the {answers.Count} of '{other}' with the same label; " +
            "train both on the same data with the same seed.");
    }

    /// <summary>Images that the first run alone names rightly.</summary>
    public IReadOnlyList<(PredictedItem First, PredictedItem Second)> OnlyFirst => [.. Items.Where(i => i.First.Right && !i.Second.Right)];

    /// <summary>Images that the second run alone names rightly.</summary>
    public IReadOnlyList<(PredictedItem First, PredictedItem Second)> OnlySecond => [.. Items.Where(i => !i.First.Right && i.Second.Right)];

    /// <summary>Images that neither names rightly.</summary>
    public IReadOnlyList<(PredictedItem First, PredictedItem Second)> Neither => [.. Items.Where(i => !i.First.Right && !i.Second.Right)];

    /// <summary>What came out, in sentences.</summary>
    public string Sentence
    {
        get
        {
            var (one, other, neither) = (OnlyFirst.Count, OnlySecond.Count, Neither.Count);
            var p = McNemar.ExactP(one, other);
            var verdict = p >= Significance ? "no evidence that either is better"
                : $"evidence that {(one > other ? First : Second)} is better";
            return $"Of {Quantity.Of(Items.Count, "image", "images")} {First} alone names {one} rightly and {Second} alone {other}; both " +
                $"{Items.Count - one - other - neither}, neither {neither}. That is {verdict} (McNemar’s exact test, " +
                $"p {(p < 0.001 ? "" : "= ")}{Effect.P(p)}).";
        }
    }

    /// <summary>The name of a run: that of its folder.</summary>
    public static string NameOf(RunFolder run) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run.Root)));

    private static IReadOnlyList<PredictedItem> Answers(RunFolder run) => File.Exists(run.Predictions) ? PredictedItem.Load(run.Predictions)
        : throw new SchaneException($"Run '{run.Root}' has kept no answers ({Path.GetFileName(run.Predictions)} is missing); " +
            "finish it with --resume, or train it again.");
}
