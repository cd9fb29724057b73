namespace Schane.Data.Listing;

/// <summary>From labels as they are written to classes: composed and decomposed letters are one class; what differs by case or white
/// space alone is said.</summary>
internal sealed class ClassNames
{
    private readonly Dictionary<string, string> known = [];

    /// <summary>The classes, in order of names.</summary>
    public IReadOnlyList<string> InOrder { get; private set; } = [];

    /// <summary>Whether white space around a label belongs to it, as it does in folders' names.</summary>
    public bool KeepsSpace { get; init; } = true;

    /// <summary>The class that a label means.</summary>
    public string Of(string label)
    {
        if (!known.TryGetValue(label, out var name))
            known[label] = name = Composed.Of(KeepsSpace ? label : label.Trim());
        return name;
    }

    /// <summary>The number of each label's class. The account is told what was taken together, and what perhaps should be.</summary>
    public int[] Number(IEnumerable<string> labels, InputAccount account)
    {
        List<string> names = [.. labels.Select(Of)];
        InOrder = [.. names.Distinct().Order(StringComparer.Ordinal)];
        var numbers = InOrder.Select((name, number) => (name, number)).ToDictionary(c => c.name, c => c.number);
        Note(account);
        return [.. names.Select(name => numbers[name])];
    }

    /// <summary>Tells what was taken together, and which classes differ by case or white space alone.</summary>
    public void Note(InputAccount account)
    {
        var trimmed = known.Keys.Where(label => label.Trim() != label).ToList();
        if (!KeepsSpace && trimmed.Count > 0)
            account.Notes.Add($"White space around labels is taken off ('{Printable.Escape(trimmed[0])}' is the class " +
                $"'{Printable.Escape(known[trimmed[0]])}').");
        var forms = known.GroupBy(k => k.Value).Where(g => g.Select(k => k.Key.Trim()).Distinct().Count() > 1).Select(g => g.Key).ToList();
        if (forms.Count > 0)
            account.Notes.Add($"{Listed(forms)} {(forms.Count == 1 ? "is" : "are")} written in composed and in decomposed Unicode " +
                $"letters: one class{(forms.Count == 1 ? "" : " each")}.");
        foreach (var alike in known.Values.Distinct().GroupBy(Folded).Where(g => g.Count() > 1).Take(5))
            account.Notes.Add($"The classes {Listed([.. alike.Order(StringComparer.Ordinal)])} differ by case or white space alone; " +
                "are they one?");
    }

    private static string Folded(string name) =>
        string.Concat(name.Where(c => !char.IsWhiteSpace(c))).ToUpperInvariant();

    private static string Listed(List<string> names) => string.Join(" and ", names.Take(5).Select(n => $"'{Printable.Escape(n)}'"));
}
