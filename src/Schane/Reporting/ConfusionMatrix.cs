namespace Schane.Reporting;

/// <summary>What each class was taken for; rows are the true classes.</summary>
internal sealed class ConfusionMatrix
{
    private readonly int[][] counts;
    private readonly long[] images;

    /// <summary>The matrix of a result file.</summary>
    /// <exception cref="SchaneException">The counts are not one row and one column a class.</exception>
    public static ConfusionMatrix Of(IReadOnlyList<string> classes, IReadOnlyList<IReadOnlyList<int>> counts)
    {
        if (counts.Count != classes.Count || counts.Any(row => row.Count != classes.Count))
            throw new SchaneException("The confusion matrix of the results must have one row and one column for each of the " +
                $"{classes.Count} classes but has {counts.Count} rows of " +
                $"{string.Join(", ", counts.Select(row => row.Count).Distinct())}; run schane evaluate on the run again.");
        return new([.. classes], [.. counts.Select(row => row.ToArray())], [.. counts.Select(row => row.Sum(count => (long)count))]);
    }

    private ConfusionMatrix(string[] classes, int[][] counts, long[] images) =>
        (Classes, this.counts, this.images) = (classes, counts, images);

    /// <summary>An image of <see cref="Truth"/> taken for <see cref="Taken"/>, by places in <see cref="Classes"/>.</summary>
    public readonly record struct Mistake(int Truth, int Taken, int Count, double Share);

    public string[] Classes { get; }

    /// <summary>All kinds of mistakes, the most frequent first, then those that take the greater share of their class.</summary>
    public IReadOnlyList<Mistake> Mistakes => field ??= [.. Cells().Where(cell => cell.Truth != cell.Taken)
        .OrderByDescending(cell => cell.Count).ThenByDescending(cell => cell.Share)];

    public long Errors => Mistakes.Sum(mistake => (long)mistake.Count);

    public int Count(int truth, int taken) => counts[truth][taken];

    public long Images(int truth) => images[truth];

    /// <summary>The cells that are not zero, row by row.</summary>
    public IEnumerable<Mistake> Cells()
    {
        for (var truth = 0; truth < counts.Length; truth++)
            for (var taken = 0; taken < counts.Length; taken++)
                if (counts[truth][taken] is > 0 and var count)
                    yield return new(truth, taken, count, (double)count / images[truth]);
    }

    /// <summary>The matrix of those classes alone that make up the most frequent mistakes, in their old order; shares stay shares of
    /// all images of a class.</summary>
    public ConfusionMatrix Worst(int classes)
    {
        var kept = new HashSet<int>();
        foreach (var mistake in Mistakes)
        {
            if (kept.Count >= classes - 1)
                break;
            kept.Add(mistake.Truth);
            kept.Add(mistake.Taken);
        }
        int[] places = [.. kept.Order()];
        return new([.. places.Select(place => Classes[place])],
            [.. places.Select(truth => places.Select(taken => counts[truth][taken]).ToArray())], [.. places.Select(Images)]);
    }

    /// <summary>
    /// The classes in an order that puts those next to each other that are mistaken for each other: pairs are joined, the most confused
    /// first, as long as they make chains (the greedy-edge path); chains and single classes then follow by the place of their first class.
    /// </summary>
    public int[] Neighbours()
    {
        var next = Enumerable.Range(0, Classes.Length).Select(_ => new List<int>(2)).ToArray();
        var chain = Enumerable.Range(0, Classes.Length).ToArray();
        var pairs = Mistakes.GroupBy(m => (Math.Min(m.Truth, m.Taken), Math.Max(m.Truth, m.Taken)))
            .Select(pair => (pair.Key, Both: pair.Sum(m => m.Share)));
        foreach (var ((a, b), _) in pairs.OrderByDescending(pair => pair.Both).ThenBy(pair => pair.Key))
        {
            if (next[a].Count == 2 || next[b].Count == 2 || Root(a) == Root(b))
                continue;
            next[a].Add(b);
            next[b].Add(a);
            chain[Root(a)] = Root(b);
        }
        var order = new List<int>(Classes.Length);
        var placed = new bool[Classes.Length];
        for (var first = 0; first < Classes.Length; first++)
            if (!placed[first])
                Walk(End(first));
        return [.. order];

        int Root(int of) => chain[of] == of ? of : chain[of] = Root(chain[of]);

        int End(int of)
        {
            for (int from = -1, at = of; ;)
            {
                var on = next[at].Where(other => other != from).DefaultIfEmpty(-1).First();
                if (on < 0 || next[at].Count < 2 && from >= 0)
                    return at;
                (from, at) = (at, on);
            }
        }

        void Walk(int at)
        {
            while (at >= 0)
            {
                placed[at] = true;
                order.Add(at);
                at = next[at].Where(other => !placed[other]).DefaultIfEmpty(-1).First();
            }
        }
    }
}
