namespace Schane.Data.Listing;

/// <summary>Why something of the input is not used.</summary>
/// <param name="Key">Its short name, as <c>splits.json</c> has it.</param>
/// <param name="One">The end of a sentence that begins with 1.</param>
/// <param name="Many">The end of a sentence that begins with another number.</param>
internal sealed record Reason(string Key, string One, string Many)
{
    public static readonly Reason NoImage = new("no image", "other file is no image", "other files are no images");
    public static readonly Reason Loose = new("in no class folder", "image lies in no class folder", "images lie in no class folder");
    public static readonly Reason NoPart = new("folder of no part", "top folder is no part", "top folders are no parts");
    public static readonly Reason RowOfNoPart = new("row of no part", "row names no part", "rows name no part");
    public static readonly Reason NotLabelled = new("not labelled", "row has the label -1 (not labelled)",
        "rows have the label -1 (not labelled)");
    public static readonly Reason Repeated = new("repeated row", "row repeats an image of another row", "rows repeat images of other rows");
    public static readonly Reason BesideParquet = new("beside Parquet files", "file or folder beside the Parquet files is not read",
        "files and folders beside the Parquet files are not read");

    /// <summary>Images of a kind that is not read.</summary>
    public static Reason Unread(string kind) => new(kind, kind, kind) { IsKind = true };

    /// <summary>Whether <see cref="Key"/> is a kind of image.</summary>
    public bool IsKind { get; private init; }
}

/// <summary>What of the input is not used and why, and what was read otherwise than it is written: the one account that every
/// command gives.</summary>
internal sealed class InputAccount
{
    private readonly Dictionary<Reason, List<string>> passedOver = [];

    /// <summary>What is not used, by reason, in the order in which it was met.</summary>
    public IReadOnlyDictionary<Reason, List<string>> PassedOver => passedOver;

    /// <summary>Sentences about what was read otherwise than it is written, or should be looked at.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Numbers by <see cref="Reason.Key"/>; null where everything is used.</summary>
    public IReadOnlyDictionary<string, int>? Counts => passedOver.Count == 0 ? null
        : Kinds.Concat(passedOver.Where(r => !r.Key.IsKind)).ToDictionary(reason => reason.Key.Key, reason => reason.Value.Count);

    private IEnumerable<KeyValuePair<Reason, List<string>>> Kinds =>
        passedOver.Where(r => r.Key.IsKind).OrderByDescending(r => r.Value.Count);

    /// <summary>What is not used, in one sentence; null where everything is.</summary>
    public string? Sentence
    {
        get
        {
            var kinds = Kinds.ToList();
            List<string> clauses = [.. passedOver.Where(r => !r.Key.IsKind).Select(r => Clause(r.Key, r.Value))];
            if (kinds.Count > 0)
                clauses.Insert(0, $"{Listed([.. kinds.Select(k => $"{k.Value.Count:N0} {k.Key.Key}")])} " +
                    $"{(kinds.Sum(k => k.Value.Count) == 1 ? "file" : "files")} can't be read: save them as JPEG");
            return clauses.Count == 0 ? null : $"Not used: {string.Join("; ", clauses)}.";
        }
    }

    /// <summary>All sentences: what is not used, and the notes.</summary>
    public IReadOnlyList<string> Sentences => Sentence is { } one ? [one, .. Notes] : Notes;

    public void PassOver(Reason reason, string what)
    {
        if (!passedOver.TryGetValue(reason, out var all))
            passedOver[reason] = all = [];
        all.Add(what);
    }

    /// <summary>Adds what another account holds.</summary>
    public void Add(InputAccount other)
    {
        foreach (var (reason, names) in other.passedOver)
            foreach (var name in names)
                PassOver(reason, name);
        Notes.AddRange(other.Notes);
    }

    /// <summary>The names of what was passed over for a reason.</summary>
    public IReadOnlyList<string> NamesOf(Reason reason) => passedOver.GetValueOrDefault(reason) ?? [];

    private static string Clause(Reason reason, List<string> names) =>
        $"{names.Count:N0} {(names.Count == 1 ? reason.One : reason.Many)} " +
        $"('{Printable.Short(names[0])}'{(names.Count == 1 ? "" : " first")})";

    private static string Listed(IReadOnlyList<string> items) =>
        items.Count == 1 ? items[0] : $"{string.Join(", ", items.Take(items.Count - 1))} and {items[^1]}";
}
