using MathNet.Numerics.Distributions;
using Schane.Evaluation.Statistics;
using static TorchSharp.torch;

namespace Schane.Evaluation.Drift;

/// <summary>What a model makes of n images, as far as drift shows in it.</summary>
/// <param name="Embeddings">[n, D] row by row; null where the two samples have no model in common that has seen neither.</param>
/// <param name="Width">D.</param>
/// <param name="Distances">[n], cosine distances to the nearest training image; null where they can't be told.</param>
/// <param name="Answers">[n], the most probable class.</param>
internal sealed record Observed(float[]? Embeddings, int Width, IReadOnlyList<double>? Distances, IReadOnlyList<int> Answers);

/// <summary>One test of whether images that came in are of the kind of the reference.</summary>
/// <param name="Name"><c>mmd</c> and <c>classifier</c> of the embeddings, <c>distance</c> to the training images, <c>unknown</c> images,
/// <c>classes</c> answered.</param>
/// <param name="Value">MMD²; for classifier and distance how often an image that came in lies above one of the reference (½: alike); the
/// share that is unknown; χ² of the classes.</param>
/// <param name="P">How often equal samples differ as much.</param>
/// <param name="AdjustedP">The same for all tests together (Holm 1979).</param>
internal sealed record DriftTest(string Name, double Value, double P, double AdjustedP);

/// <summary>Whether what came in has drifted from a reference.</summary>
/// <param name="Reference">Images of the reference.</param>
/// <param name="Incoming">Images that came in.</param>
/// <param name="Alpha">How often equal samples may be said to have drifted.</param>
/// <param name="Tests">All that could be made; empty where either side has fewer than <see cref="Least"/>.</param>
internal sealed record DriftReport(int Reference, int Incoming, double Alpha, IReadOnlyList<DriftTest> Tests)
{
    /// <summary>Images of a side, below which chance alone could explain anything.</summary>
    public const int Least = 10;

    /// <summary>Images of a side that are compared at most, evenly over all.</summary>
    public const int Most = 1000;

    /// <summary>Whether any test, adjusted for all, finds a difference.</summary>
    public bool Drifted => Tests.Any(Found);

    /// <summary>Share of unknown images in the reference; null where it can't be told.</summary>
    public double? UnknownBefore { get; private init; }

    /// <summary>Share of unknown images among those that came in; null where it can't be told.</summary>
    public double? Unknown { get; private init; }

    /// <summary>The least share of unknown images that so many images could show to be more than in the reference; null where none
    /// could, or it can't be told.</summary>
    public double? LeastUnknown { get; private init; }

    /// <summary>Whether a test counts as finding a difference.</summary>
    public bool Found(DriftTest test) => test.AdjustedP <= Alpha;

    /// <summary>Compares two samples.</summary>
    /// <param name="reference">Images that are as they should be and that the model has not seen.</param>
    /// <param name="incoming">Those that came in.</param>
    /// <param name="threshold">The distance beyond which an image is unknown; null where none can be.</param>
    /// <param name="alpha">Above 0, below 1.</param>
    /// <param name="seed">Which permutations are drawn.</param>
    public static DriftReport Of(Observed reference, Observed incoming, double? threshold, double alpha, int seed = 0)
    {
        var (before, now) = (reference.Answers.Count, incoming.Answers.Count);
        var (old, recent) = (reference.Distances ?? [], incoming.Distances ?? []);
        var (oldUnknown, unknown) = (old.Count(d => d > threshold), recent.Count(d => d > threshold));
        var near = old.Count > 0 && recent.Count > 0;
        var tellsUnknown = near && threshold is not null;
        var report = new DriftReport(before, now, alpha, [])
        {
            UnknownBefore = tellsUnknown ? (double)oldUnknown / old.Count : null,
            Unknown = tellsUnknown ? (double)unknown / recent.Count : null,
        };
        if (Math.Min(before, now) < Least)
            return report;

        var tests = new List<(string Name, (double Value, double P) Found)>();
        if (reference.Embeddings is { } known && incoming.Embeddings is { } seen)
        {
            using var scope = NewDisposeScope();
            var (first, second) = (Some(known, reference.Width), Some(seen, reference.Width));
            var rows = cat([first, second]);
            tests.Add(("mmd", TwoSampleTests.MaximumMeanDiscrepancy(rows, (int)first.shape[0], seed)));
            tests.Add(("classifier", TwoSampleTests.Classifier(rows, (int)first.shape[0], seed)));
        }
        if (near)
            tests.Add(("distance", TwoSampleTests.Above(Some(old), Some(recent), seed)));
        if (tellsUnknown)
            tests.Add(("unknown", (report.Unknown!.Value, MoreP(oldUnknown, old.Count, unknown, recent.Count))));
        tests.Add(("classes", TwoSampleTests.Shares(Some(reference.Answers), Some(incoming.Answers), seed)));
        var adjusted = PairedComparison.Holm([.. tests.Select(test => test.Found.P)]);
        return report with
        {
            Tests = [.. tests.Select((test, i) => new DriftTest(test.Name, test.Found.Value, test.Found.P, adjusted[i]))],
            LeastUnknown = tellsUnknown ? LeastShare(oldUnknown, old.Count, now, alpha / tests.Count) : null,
        };
    }

    /// <summary>Fisher's exact test, one-sided: how often as many or more of the unknown images would be among those that came
    /// in.</summary>
    internal static double MoreP(int before, int reference, int now, int incoming) => now == 0 ? 1
        : 1 - Hypergeometric.CDF(reference + incoming, before + now, incoming, now - 1);

    /// <summary>The least share of unknown images that has at most this p, which falls as they grow; null where none has.</summary>
    private static double? LeastShare(int before, int reference, int incoming, double p)
    {
        var (low, high) = (0, incoming + 1);
        while (low < high)
            if ((low + high) / 2 is var count && MoreP(before, reference, count, incoming) <= p)
                high = count;
            else
                low = count + 1;
        return low <= incoming ? (double)low / incoming : null;
    }

    private static T[] Some<T>(IReadOnlyList<T> values) => [.. EvenShare.Places(values.Count, Most).Select(i => values[i])];

    private static Tensor Some(float[] rows, int width) =>
        tensor(rows, [rows.Length / width, width])
            .index_select(0, tensor(EvenShare.Places(rows.Length / width, Most), ScalarType.Int64)).to_type(ScalarType.Float64);
}

/// <summary>How often a class was answered.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Before">Share of the reference, 0 to 1.</param>
/// <param name="Now">Share of what came in, 0 to 1.</param>
internal sealed record ClassShare(string Class, double Before, double Now)
{
    /// <summary>The classes that were answered, the largest change first.</summary>
    public static IReadOnlyList<ClassShare> Of(IReadOnlyList<string> classes, IReadOnlyList<int> before, IReadOnlyList<int> now)
    {
        double[] Shares(IReadOnlyList<int> answers)
        {
            var shares = new double[classes.Count];
            foreach (var answer in answers)
                shares[answer] += 1.0 / answers.Count;
            return shares;
        }
        var (old, recent) = (Shares(before), Shares(now));
        return [.. Enumerable.Range(0, classes.Count).Where(c => old[c] + recent[c] > 0)
            .Select(c => new ClassShare(classes[c], old[c], recent[c])).OrderByDescending(s => Math.Abs(s.Now - s.Before))];
    }
}
