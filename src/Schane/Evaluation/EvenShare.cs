namespace Schane.Evaluation;

/// <summary>Draws some of many images so that every class keeps its share.</summary>
internal static class EvenShare
{
    /// <summary>Rows in ascending order: all, or <paramref name="most"/> of them at even distances in the order of the classes, so that
    /// each class keeps its share to within one image.</summary>
    public static int[] Rows(IReadOnlyList<int> labels, int most)
    {
        if (labels.Count <= most)
            return [.. Enumerable.Range(0, labels.Count)];
        int[] sorted = [.. Enumerable.Range(0, labels.Count).OrderBy(row => labels[row])];
        return Spread(sorted, most);
    }

    /// <summary>Rows in ascending order: all, or of every class at most as many as fit into <paramref name="most"/>, so that small classes
    /// are whole; at least one of each.</summary>
    public static int[] Balanced(IReadOnlyList<int> labels, int most)
    {
        int[][] classes = [.. Enumerable.Range(0, labels.Count).GroupBy(row => labels[row]).Select(own => own.ToArray())];
        var each = Enumerable.Range(1, most).TakeWhile(n => classes.Sum(own => Math.Min(n, own.Length)) <= most).LastOrDefault(1);
        return [.. classes.SelectMany(own => own.Length <= each ? own : Spread(own, each)).Order()];
    }

    /// <summary>Places in ascending order: all of so many, or <paramref name="most"/> of them at even distances.</summary>
    public static int[] Places(int count, int most) => count <= most ? [.. Enumerable.Range(0, count)]
        : [.. Enumerable.Range(0, most).Select(place => (int)((2L * place + 1) * count / (2L * most)))];

    private static int[] Spread(int[] rows, int most) => [.. Places(rows.Length, most).Select(place => rows[place]).Order()];
}
