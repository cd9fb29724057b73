using Schane.Evaluation.Embeddings;
using Schane.Tensors;

namespace Schane.Evaluation.Selection;

/// <summary>How images are chosen to be labelled next.</summary>
internal enum SelectionMethod
{
    /// <summary>The typical ones while labels are few, then by margin: see <see cref="NextLabels.Resolve"/>.</summary>
    Auto,

    /// <summary>Those whose two most probable classes lie nearest to each other (Scheffer et al. 2001).</summary>
    Margin,

    /// <summary>Unsure ones that differ: <see cref="GradientSpread"/>.</summary>
    Badge,

    /// <summary>One that many others resemble from each cluster without a label: <see cref="Typicality"/>.</summary>
    Typical,

    /// <summary>Any, each with the same chance: what the others are measured against.</summary>
    Random,
}

/// <summary>Chooses the images to label next, of which a model is to learn most.</summary>
internal static class NextLabels
{
    /// <summary>Labels a class from which on <see cref="SelectionMethod.Auto"/> goes by margin: measured by
    /// <c>bench/Schane.Benchmarks -- suggest</c> (docs/results.md).</summary>
    internal const int FewLabels = 8;

    /// <summary>Places of the chosen images, the first to be labelled first; all where there are no more than asked for. No image
    /// twice.</summary>
    /// <param name="method">How to choose.</param>
    /// <param name="pool">Images to choose from.</param>
    /// <param name="labelled">Embeddings of the images with a label, by the same model.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="seed">Key of the draws; those by margin draw nothing.</param>
    public static int[] Choose(SelectionMethod method, UnlabelledImages pool, EmbeddingSet labelled, int count, long seed = 0)
    {
        count = Math.Min(Require.AtLeast(count, 1), pool.Count);
        return count == 0 ? [] : Resolve(method, labelled) switch
        {
            SelectionMethod.Margin => ByMargin(pool, count),
            SelectionMethod.Badge => GradientSpread.Choose(pool, count, seed),
            SelectionMethod.Typical => Typicality.Choose(pool, labelled, count, seed),
            _ => AtRandom(pool.Count, count, seed),
        };
    }

    /// <summary>What <see cref="SelectionMethod.Auto"/> stands for: typical images up to a mean of <see cref="FewLabels"/> labels a class,
    /// then the margin; other methods themselves.</summary>
    public static SelectionMethod Resolve(SelectionMethod method, EmbeddingSet labelled) => method != SelectionMethod.Auto ? method
        : labelled.Count < FewLabels * labelled.Classes.Count ? SelectionMethod.Typical : SelectionMethod.Margin;

    /// <summary>The greatest probability less the second, 0 to 1; the probability itself of a single class.</summary>
    public static float MarginOf(ReadOnlySpan<float> probabilities)
    {
        var (first, second) = (0f, 0f);
        foreach (var p in probabilities)
            (first, second) = p > first ? (p, first) : (first, Math.Max(second, p));
        return first - second;
    }

    private static int[] ByMargin(UnlabelledImages pool, int count) =>
        [.. Enumerable.Range(0, pool.Count).OrderBy(i => MarginOf(pool.Probability(i))).Take(count)];

    private static int[] AtRandom(int images, int count, long seed)
    {
        int[] order = [.. Enumerable.Range(0, images)];
        new SampleRandom(seed).Shuffle<int>(order);
        return order[..count];
    }
}
