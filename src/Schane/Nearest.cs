namespace Schane;

/// <summary>Suggests what a misspelt name may have meant.</summary>
internal static class Nearest
{
    /// <summary>" (did you mean 'x' or 'y'?)", or nothing where no name is near.</summary>
    public static string Hint(string wrong, IEnumerable<string> names)
    {
        var near = Names(wrong, names);
        return near.Count == 0 ? "" : $" (did you mean {string.Join(" or ", near.Select(n => $"'{n}'"))}?)";
    }

    /// <summary>At most three names within a third of the letters, nearest first.</summary>
    public static IReadOnlyList<string> Names(string wrong, IEnumerable<string> names) =>
        [.. names.Select(name => (name, distance: Distance(wrong.ToLowerInvariant(), name.ToLowerInvariant())))
                 .Where(n => n.distance <= Math.Max(2, wrong.Length / 3))
                 .OrderBy(n => n.distance).ThenBy(n => n.name, StringComparer.Ordinal).Take(3).Select(n => n.name)];

    // Letters inserted, deleted, replaced or swapped with their neighbour (optimal string alignment).
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        return d[a.Length, b.Length];
    }
}
