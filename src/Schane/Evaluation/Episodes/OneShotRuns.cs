using Schane.Data;
using Schane.Data.Sets;
using Schane.Evaluation.Embeddings;

namespace Schane.Evaluation.Episodes;

/// <summary>The official one-shot task of Omniglot: 20 runs of 20 trials of 20-way classification (Lake et al. 2015).</summary>
/// <param name="Wrong">Trials that were answered wrongly, over all runs.</param>
/// <param name="Trials">400 for the official runs.</param>
/// <param name="PerRun">Error of each run in percent.</param>
/// <param name="Answers">For each run and test image the training image that is nearest.</param>
internal sealed record OneShotRuns(int Wrong, int Trials, IReadOnlyList<double> PerRun, IReadOnlyList<int[]> Answers)
{
    /// <summary>Error over all trials, percent.</summary>
    public double ErrorPercent => 100.0 * Wrong / Trials;

    /// <summary>Every image of the runs in the order in which <see cref="Of"/> wants their embeddings: run by run,
    /// training before test.</summary>
    public static IReadOnlyList<Image8> Images(IReadOnlyList<OmniglotRun> runs) =>
        [.. runs.SelectMany(run => run.Training.Concat(run.Test))];

    /// <summary>Classifies every test image by the nearest training image of its run, by cosine.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="embeddings">One row for each image of <see cref="Images"/>, in that order; labels don't matter. For augmented views
    /// pass <see cref="EmbeddingSet.Average"/> of them.</param>
    /// <exception cref="ArgumentException">Not as many rows as images.</exception>
    public static OneShotRuns Of(IReadOnlyList<OmniglotRun> runs, EmbeddingSet embeddings)
    {
        var images = runs.Sum(r => r.Training.Count + r.Test.Count);
        if (images == 0 || embeddings.Count != images)
            throw new ArgumentException($"embeddings must hold one row for each of the {images} images of the runs but has " +
                $"{embeddings.Count}.", nameof(embeddings));
        var (first, wrong, trials) = (0, 0, 0);
        List<double> perRun = [];
        List<int[]> answers = [];
        foreach (var run in runs)
        {
            var test = first + run.Training.Count;
            int[] nearest = [.. Enumerable.Range(0, run.Test.Count).Select(t =>
                Enumerable.Range(0, run.Training.Count).MaxBy(c => Cosine(embeddings.Row(test + t), embeddings.Row(first + c))))];
            var errors = nearest.Where((answer, t) => answer != run.Truth[t]).Count();
            (first, wrong, trials) = (test + run.Test.Count, wrong + errors, trials + nearest.Length);
            perRun.Add(100.0 * errors / nearest.Length);
            answers.Add(nearest);
        }
        return new(wrong, trials, perRun, answers);
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var (dot, aa, bb) = (0.0, 0.0, 0.0);
        for (var d = 0; d < a.Length; d++)
        {
            dot += (double)a[d] * b[d];
            aa += (double)a[d] * a[d];
            bb += (double)b[d] * b[d];
        }
        return dot / Math.Max(Math.Sqrt(aa * bb), 1e-24);
    }
}
