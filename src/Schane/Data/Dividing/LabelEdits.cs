using Schane.Data.Reading;

namespace Schane.Data.Dividing;

/// <summary>Images to leave out and labels to change, by the names of images, from lists that people have looked at. The images
/// themselves stay as they are.</summary>
/// <param name="Excluded">Names to leave out, with the line of their list.</param>
/// <param name="Relabelled">New class of a name, with the line of its list.</param>
internal sealed record LabelEdits(IReadOnlyDictionary<string, (string File, int Line)> Excluded,
    IReadOnlyDictionary<string, (string Class, string File, int Line)> Relabelled)
{
    /// <summary>Reads the lists.</summary>
    /// <param name="exclude">A name a line, or CSV with a column <c>path</c>; null for none.</param>
    /// <param name="relabel">CSV with the columns <c>path</c> and <c>suggested</c>, or else <c>label</c>: the
    /// new class. Null for none.</param>
    /// <exception cref="SchaneException">A list can't be read, lacks a column, or names an image twice.</exception>
    public static LabelEdits Load(string? exclude, string? relabel)
    {
        var excluded = new Dictionary<string, (string, int)>();
        foreach (var (line, name, _) in exclude is null ? [] : Rows(exclude, wantsClass: false))
            if (!excluded.TryAdd(name, (exclude!, line)))
                throw new SchaneException(
                    $"'{Printable.Escape(exclude!)}', line {line}: '{Printable.Escape(name)}' stands twice; keep one.");
        var relabelled = new Dictionary<string, (string, string, int)>();
        foreach (var (line, name, @class) in relabel is null ? [] : Rows(relabel, wantsClass: true))
            if (!relabelled.TryAdd(name, (@class, relabel!, line)))
                throw new SchaneException(
                    $"'{Printable.Escape(relabel!)}', line {line}: '{Printable.Escape(name)}' stands twice; keep one.");
        if (excluded.Keys.FirstOrDefault(relabelled.ContainsKey) is { } both)
            throw new SchaneException($"'{Printable.Escape(both)}' is to be left out ('{Printable.Escape(exclude!)}') and to be " +
                $"relabelled ('{Printable.Escape(relabel!)}'); keep one.");
        return new(excluded, relabelled);
    }

    /// <summary>Refuses names that are in none of the parts, and classes that there are not.</summary>
    public void Check(IReadOnlyList<string> classes, IReadOnlySet<string> names)
    {
        foreach (var (name, (file, line)) in Excluded)
            Require(name, file, line);
        foreach (var (name, (@class, file, line)) in Relabelled)
        {
            Require(name, file, line);
            if (!classes.Contains(@class))
                throw new SchaneException($"'{Printable.Escape(file)}', line {line}: '{Printable.Escape(@class)}' is not among the " +
                    $"{classes.Count} classes{Nearest.Hint(@class, classes)}.");
        }

        void Require(string name, string file, int line)
        {
            if (!names.Contains(name))
                throw new SchaneException($"'{Printable.Escape(file)}', line {line}: the data have no image '{Printable.Escape(name)}'; " +
                    "names are those of the data set, as label-errors.csv has them.");
        }
    }

    /// <summary>The images that are left, under their new labels.</summary>
    public IImageDataset Apply(IImageDataset images)
    {
        var kept = Enumerable.Range(0, images.Count).Where(i => !Excluded.ContainsKey(images.NameOf(i))).ToList();
        IImageDataset left = kept.Count == images.Count ? images : new Subset(images, kept);
        return kept.Any(i => Relabelled.ContainsKey(images.NameOf(i))) ? new RelabelledImages(left, Relabelled) : left;
    }

    /// <summary>The lines of a list: name and, where it is wanted, class.</summary>
    internal static IEnumerable<(int Line, string Name, string Class)> Rows(string path, bool wantsClass)
    {
        if (!File.Exists(path))
            throw new SchaneException($"There is no list '{Printable.Escape(path)}'.");
        var (name, @class, first) = (0, -1, true);
        foreach (var (line, fields) in TextTable.Csv(path))
        {
            if (first)
            {
                first = false;
                var columns = fields.Select(f => f.TrimStart('\uFEFF').Trim()).ToList();
                (name, @class) = (columns.IndexOf("path"), columns.IndexOf("suggested") is var s and >= 0 ? s : columns.IndexOf("label"));
                if (wantsClass && (name < 0 || @class < 0))
                    throw new SchaneException($"'{Printable.Escape(path)}' needs the columns path and suggested (or label) in its first " +
                        $"line but has {string.Join(", ", columns.Select(Printable.Escape))}.");
                if (name >= 0)
                    continue;
                name = 0;                                                 // a plain list of names
            }
            if (fields.Count <= Math.Max(name, wantsClass ? @class : 0))
                throw new SchaneException($"'{Printable.Escape(path)}', line {line} has {fields.Count} fields, fewer than its first line.");
            yield return (line, fields[name], wantsClass ? fields[@class] : "");
        }
    }
}

/// <summary>Images of which some have another label than they came with.</summary>
internal sealed class RelabelledImages : IImageFiles
{
    private readonly IImageDataset inner;
    private readonly int[] labels;

    public RelabelledImages(IImageDataset inner, IReadOnlyDictionary<string, (string Class, string File, int Line)> relabelled)
    {
        this.inner = inner;
        var classes = inner.Classes.Select((name, label) => (name, label)).ToDictionary(c => c.name, c => c.label);
        labels = [.. Enumerable.Range(0, inner.Count)
            .Select(i => relabelled.TryGetValue(inner.NameOf(i), out var edit) ? classes[edit.Class] : inner.LabelOf(i))];
    }

    public string Name => inner.Name;

    public IReadOnlyList<string> Classes => inner.Classes;

    public int Count => inner.Count;

    ImageLimits IImageFiles.Limits => inner is IImageFiles files ? files.Limits : ImageLimits.Default;

    public int LabelOf(int index) => labels[index];

    public string NameOf(int index) => inner.NameOf(index);

    public Image8 Read(int index) => inner.Read(index);

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index) => (inner as IImageFiles)?.ReadFile(index);
}
