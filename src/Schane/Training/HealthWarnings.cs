using Schane.Losses;

namespace Schane.Training;

/// <summary>Warns in words of what is going wrong before any number becomes non-finite. Each cause is told once; values are smoothed
/// over about ten steps.</summary>
/// <param name="multiLabel">Whether images may have several classes.</param>
internal sealed class HealthWarnings(bool multiLabel = false)
{
    private const double Smoothing = 0.1;
    private const int FewSteps = 5, ManySteps = 20;
    private const double SameDirection = 0.99, HandfulShare = 0.05, TooMuchWaiting = 0.1;
    private const int EnoughNegatives = 20;

    /// <summary>Share of anchors without a positive above which it is told: at a fifth the contrastive term lost nothing (docs/results.md,
    /// look-alikes on shuffled batches).</summary>
    internal const double TooManyAlone = 0.22;

    private readonly Cause collapse = new(FewSteps), alone = new(FewSteps), handful = new(FewSteps), starving = new(ManySteps);

    /// <summary>Warnings about the step; usually none.</summary>
    /// <param name="loss">What the objective saw.</param>
    /// <param name="waiting">Share of the step that it waited for its batch, 0 to 1.</param>
    public IEnumerable<string> Look(StepLoss loss, double waiting)
    {
        var seen = loss.Statistics;
        if (seen is { MeanPositiveSimilarity: { } positive, MeanNegativeSimilarity: { } negative }
            && collapse.Take(Math.Min(positive, negative), v => v > SameDirection) is { } similarity)
            yield return $"The embeddings have collapsed: images of different classes have a mean cosine of {similarity:0.000}. Lower " +
                "--lr, lower --lambda, or raise --temperature.";
        if (loss.Settings.Lambda > 0 && alone.Take(seen.ShareWithoutPositives, v => v > TooManyAlone) is { } share)
            yield return $"{share:P0} of the anchors have no positive in their batch and teach the contrastive term nothing. Use " +
                $"{(multiLabel ? "" : "--sampler balanced, ")}larger batches, or --views 2.";
        if (seen is { EffectiveNegatives: { } effective, MeanNegatives: >= EnoughNegatives }
            && handful.Take(effective / seen.MeanNegatives, v => v < HandfulShare) is { } carried)
            yield return $"A handful of negatives carries most of the weight: {carried * seen.MeanNegatives:0.0} of " +
                $"{seen.MeanNegatives:0} count. Lower --beta or raise --temperature, and look for wrong labels among the hardest.";
        if (starving.Take(waiting, v => v > TooMuchWaiting) is { } waited)
            yield return $"The model waits for images {waited:P0} of the time. Use smaller or packed images, a cheaper --augmentation, " +
                "or more cores.";
    }

    /// <summary>One thing that can go wrong.</summary>
    private sealed class Cause(int steps)
    {
        private int seen;
        private double smooth;
        private bool told;

        /// <returns>The smoothed value when it is to be told, else null.</returns>
        public double? Take(double value, Func<double, bool> isBad)
        {
            smooth = seen++ == 0 ? value : smooth + Smoothing * (value - smooth);
            if (told || seen < steps || !isBad(smooth))
                return null;
            told = true;
            return smooth;
        }
    }
}
