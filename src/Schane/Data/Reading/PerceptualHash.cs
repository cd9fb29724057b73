using System.Numerics;
using Schane.Data.Transforms;

namespace Schane.Data.Reading;

/// <summary>
/// 64 bits that near-identical images share: whether each of 8 × 8 coarse pixels is brighter than its right neighbour, on the image
/// shrunk to 9 × 8 ("difference hash"). Survives another format, size, quality and a little brightness; not a crop, a turn or a mirror.
/// </summary>
internal static class PerceptualHash
{
    /// <summary>The bits of an image, row by row.</summary>
    public static ulong Of(Image8 image)
    {
        var gray = PixelRows.WithChannels(image, 1);
        Span<byte> small = stackalloc byte[9 * 8];
        Resampler.Resize(gray.Pixels, gray.Width, gray.Width, gray.Height, 1, Interpolation.Box, small, 9, 8);
        ulong bits = 0;
        for (var y = 0; y < 8; y++)
            for (var x = 0; x < 8; x++)
                bits = bits << 1 | (small[y * 9 + x] > small[y * 9 + x + 1] ? 1UL : 0);
        return bits;
    }

    /// <summary>In how many of 64 bits two hashes differ.</summary>
    public static int Distance(ulong a, ulong b) => BitOperations.PopCount(a ^ b);

    /// <summary>
    /// Groups of images that a chain of near pairs connects, each group in order of index. Images without structure (all bits equal, or
    /// fewer than 8 that differ from the rest) are left out, for all plain images look alike.
    /// </summary>
    /// <param name="hashes">One an image; null where there is none.</param>
    /// <param name="most">Largest distance of a near pair, 0 to 7. 4 by default.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Groups(IReadOnlyList<ulong?> hashes, int most = 4)
    {
        if (most is < 0 or > 7)
            throw new ArgumentOutOfRangeException(nameof(most), $"most must lie between 0 and 7 but is {most}.");
        var leader = Enumerable.Range(0, hashes.Count).ToArray();
        int Find(int i)
        {
            while (leader[i] != i)
                i = leader[i] = leader[leader[i]];
            return i;
        }
        void Join(int a, int b) => leader[Math.Max(Find(a), Find(b))] = Math.Min(Find(a), Find(b));

        // One image of each hash, then: two hashes that differ in at most M bits agree in at least one of M + 1 bands of their
        // bits, so only those are compared.
        var first = new Dictionary<ulong, int>();
        for (var i = 0; i < hashes.Count; i++)
            if (hashes[i] is { } hash && BitOperations.PopCount(hash) is >= 8 and <= 56 && !first.TryAdd(hash, i))
                Join(first[hash], i);
        for (var band = 0; band <= most; band++)
        {
            var (from, to) = (64 * band / (most + 1), 64 * (band + 1) / (most + 1));
            var mask = to - from == 64 ? ulong.MaxValue : (1UL << (to - from)) - 1;
            foreach (var bucket in first.GroupBy(entry => entry.Key >> from & mask))
            {
                var members = bucket.ToArray();
                for (var a = 0; a < members.Length; a++)
                    for (var b = a + 1; b < members.Length; b++)
                        if (Distance(members[a].Key, members[b].Key) <= most)
                            Join(members[a].Value, members[b].Value);
            }
        }
        return [.. Enumerable.Range(0, hashes.Count).GroupBy(Find).Where(g => g.Count() > 1).Select(g => (IReadOnlyList<int>)[.. g])];
    }
}
