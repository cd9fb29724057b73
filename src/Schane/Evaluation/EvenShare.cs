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
        return [.. Enumerable.Range(0, most).Select(place => sorted[(int)((2L * place + 1) * labels.Count / (2L * most))]).Order()];
    }
}
