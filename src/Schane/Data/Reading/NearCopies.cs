using System.Numerics.Tensors;
using Schane.Tensors;

namespace Schane.Data.Reading;

/// <summary>
/// Finds images that may be nearly the same among many, in a time that grows about as their number: images meet where random sums
/// of their lowest frequencies have the same signs (Charikar 2002), the least certain signs tried both ways (Lv et al. 2007) and a little
/// cut off each side, and those that meet are compared by <see cref="FingerprintMatch"/>.
/// </summary>
internal static class NearCopies
{
    /// <summary>Signs that must agree, and how many of the least certain may be either.</summary>
    private const int Signs = 24, Uncertain = 5;

    /// <summary>How often images may meet, each time by other sums.</summary>
    private const int Tables = 2;

    /// <summary>Images with the same signs that one meets, and those of all it met that it is compared with, the likeliest first: many that
    /// are alike must not cost their square.</summary>
    private const int MostMet = 64, MostCompared = 16;

    /// <summary>Cosine of the lowest frequencies below which two images are not compared.</summary>
    private const float LeastLikely = 0.9f;

    private static readonly float[] Sums = Drawn();

    /// <summary>Pairs that may be nearly the same, the first of each before the second: as many as connect each group, not all.</summary>
    /// <param name="images">One an image; null where there is none.</param>
    /// <param name="stop">Stops the search.</param>
    public static IReadOnlyList<(int First, int Second)> Pairs(IReadOnlyList<Fingerprint?> images, CancellationToken stop = default)
    {
        List<(int First, int Second)> pairs = [];
        var sets = new DisjointSets(images.Count);
        void Join(int a, int b)
        {
            if (sets.Join(a, b))
                pairs.Add((Math.Min(a, b), Math.Max(a, b)));
        }
        // One of those that are equal to the bit; chains of those with the same signs.
        var known = new Dictionary<int, int>();
        Dictionary<uint, int>[] last = [.. Enumerable.Range(0, Tables).Select(_ => new Dictionary<uint, int>())];
        int[][] before = [.. last.Select(_ => new int[images.Count])];
        Span<float> sums = stackalloc float[Signs];
        List<int> compared = [];
        for (var i = 0; i < images.Count; i++)
            if (images[i] is { } image)
            {
                var equal = new HashCode();
                equal.AddBytes(image.Gray);
                equal.AddBytes(image.Colour);
                if (!known.TryAdd(equal.ToHashCode(), i) && known[equal.ToHashCode()] is var first
                    && image.Gray.AsSpan().SequenceEqual(images[first]!.Gray) && image.Colour.AsSpan().SequenceEqual(images[first]!.Colour))
                {
                    Join(first, i);
                    continue;
                }
                for (var table = 0; table < Tables; table++)
                {
                    var key = SignsOf(image.Of(0), table, sums);
                    before[table][i] = last[table].GetValueOrDefault(key, -1);
                    last[table][key] = i;
                }
                compared.Add(i);
            }
        Span<uint> flips = stackalloc uint[Uncertain];
        HashSet<int> met = [];
        List<(float Likeness, int Other)> likely = [];
        foreach (var i in compared)
        {
            stop.ThrowIfCancellationRequested();
            met.Clear();
            likely.Clear();
            for (var (way, table) = (0, 0); way < Fingerprint.Ways; (way, table) = table + 1 < Tables ? (way, table + 1) : (way + 1, 0))
            {
                var key = SignsOf(images[i]!.Of(way), table, sums);
                LeastCertain(sums, flips);
                for (var choice = 0; choice < 1 << Uncertain; choice++)
                {
                    var tried = key;
                    for (var bit = 0; bit < Uncertain; bit++)
                        tried ^= (choice >> bit & 1) == 1 ? flips[bit] : 0;
                    var other = last[table].GetValueOrDefault(tried, -1);
                    for (var count = 0; other >= 0 && count < MostMet; other = before[table][other], count++)
                        if (other != i && !sets.AreJoined(i, other)
                            && TensorPrimitives.Dot(images[i]!.Of(way), images[other]!.Of(0)) is >= LeastLikely and var likeness
                            && met.Add(other))
                            likely.Add((likeness, other));
                }
            }
            likely.Sort((a, b) => a.Likeness != b.Likeness ? b.Likeness.CompareTo(a.Likeness) : a.Other - b.Other);
            foreach (var (_, other) in likely.Take(MostCompared))
                if (!sets.AreJoined(i, other) && FingerprintMatch.Of(images[i]!, images[other]!).MayBeCopy)
                    Join(i, other);
        }
        return pairs;
    }

    /// <summary>Groups of images that chains of pairs connect, each in order of index.</summary>
    /// <param name="count">Number of all images.</param>
    /// <param name="pairs">From <see cref="Pairs"/>.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Groups(int count, IReadOnlyList<(int First, int Second)> pairs)
    {
        var sets = new DisjointSets(count);
        foreach (var (first, second) in pairs)
            sets.Join(first, second);
        return [.. pairs.SelectMany(p => new[] { p.First, p.Second }).Distinct().Order().GroupBy(sets.Find)
            .Select(group => (IReadOnlyList<int>)[.. group])];
    }

    /// <summary>Each frequency with a sign drawn at random, for each sum of each table.</summary>
    private static float[] Drawn()
    {
        var random = new SampleRandom(0);
        var drawn = new float[Tables * Signs * Fingerprint.Frequencies];
        foreach (ref var sign in drawn.AsSpan())
            sign = random.Below(2) == 0 ? -1 : 1;
        return drawn;
    }

    /// <summary>The signs of a table's sums, which are left in <paramref name="sums"/>.</summary>
    private static uint SignsOf(ReadOnlySpan<float> frequencies, int table, Span<float> sums)
    {
        var signs = 0u;
        for (var i = 0; i < Signs; i++)
        {
            sums[i] = TensorPrimitives.Dot(frequencies,
                Sums.AsSpan((table * Signs + i) * Fingerprint.Frequencies, Fingerprint.Frequencies));
            signs = signs << 1 | (sums[i] > 0 ? 1u : 0);
        }
        return signs;
    }

    /// <summary>The bits whose sums are nearest to 0.</summary>
    private static void LeastCertain(ReadOnlySpan<float> sums, Span<uint> bits)
    {
        Span<float> sizes = stackalloc float[Signs];
        for (var i = 0; i < Signs; i++)
            sizes[i] = Math.Abs(sums[i]);
        foreach (ref var bit in bits)
        {
            var least = 0;
            for (var i = 1; i < Signs; i++)
                if (sizes[i] < sizes[least])
                    least = i;
            (bit, sizes[least]) = (1u << (Signs - 1 - least), float.PositiveInfinity);
        }
    }

    /// <summary>Which of a number of things belong together.</summary>
    private sealed class DisjointSets(int count)
    {
        private readonly int[] leader = [.. Enumerable.Range(0, count)];

        public int Find(int i)
        {
            while (leader[i] != i)
                i = leader[i] = leader[leader[i]];
            return i;
        }

        public bool AreJoined(int a, int b) => Find(a) == Find(b);

        /// <summary>Puts two sets together; false where they are one already.</summary>
        public bool Join(int a, int b)
        {
            var (low, high) = (Math.Min(Find(a), Find(b)), Math.Max(Find(a), Find(b)));
            leader[high] = low;
            return low != high;
        }
    }
}
