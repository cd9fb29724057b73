using Schane.Data.Sets;

namespace Schane.Data;

/// <summary>A data set that can be opened by name.</summary>
/// <param name="Name">What stands before the colon.</param>
/// <param name="Parts">What may stand after it; the first is taken where none is named. Empty: it has no parts.</param>
/// <param name="Summary">What it is, in a line, with its source.</param>
/// <param name="Open">From part and data root to the data set.</param>
public sealed record CatalogEntry(string Name, IReadOnlyList<string> Parts, string Summary, Func<string, string?, IImageDataset> Open);

/// <summary>Data by name: a folder, or one of the data sets that Schane knows, as <c>NAME</c> or <c>NAME:PART</c>.</summary>
public static class DatasetCatalog
{
    /// <summary>Every data set there is, in the order in which it is listed. This list is the one place where a data set is made known.</summary>
    public static IReadOnlyList<CatalogEntry> Entries { get; } =
    [
        new("lookalikes", ["train", "val", "test", "base", "base-val"], "groups of near twins drawn at run time; needs no files",
            (part, _) => new LookalikesDataset(LookalikesDataset.PartOf(part))),
        new("omniglot", ["small1", "small2", "background", "evaluation"], "hand-written characters, turned by 90° as classes of their own (Lake et al. 2015)",
            (part, root) => OmniglotDataset.Background(part, rotations: true, root)),
    ];

    /// <summary>Opens a data set.</summary>
    /// <param name="spec"><c>omniglot:small1</c>, a folder's path, or <c>./NAME</c> for a folder that is called like a data set.</param>
    /// <param name="dataRoot">Where data sets lie; <c>$SCHANE_DATA</c> and the user's data folder are searched after it.</param>
    /// <param name="options">How a folder is read.</param>
    /// <exception cref="SchaneException">Neither a name nor a folder, or what it names can't be opened.</exception>
    public static IImageDataset Open(string spec, string? dataRoot = null, FolderOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(spec);
        if (IsPath(spec))
            return ImageFolder.Open(spec, options);
        var (name, part) = spec.Split(':', 2) is [var before, var after] ? (before, after) : (spec, null);
        if (Entries.FirstOrDefault(e => e.Name == name) is { } entry)
            return Open(entry, part, dataRoot);
        if (Directory.Exists(spec))
            return ImageFolder.Open(spec, options);
        if (DataRoot.TryFind(dataRoot, spec) is { } found && Directory.Exists(found))
            return ImageFolder.Open(found, options);
        throw new SchaneException(
            $"There is no data set and no folder '{Printable.Escape(spec)}'{Nearest.Hint(name, Entries.Select(e => e.Name))}. Data sets: {string.Join(", ", Entries.Select(e => e.Name))}.");
    }

    private static IImageDataset Open(CatalogEntry entry, string? part, string? dataRoot)
    {
        if (part is null ? entry.Parts.Count > 0 : !entry.Parts.Contains(part))
            part = part is null ? entry.Parts[0] : throw new SchaneException(
                $"{entry.Name} has {(entry.Parts.Count == 0 ? "no parts" : $"the parts {string.Join(", ", entry.Parts)}")}, not '{Printable.Escape(part)}'{Nearest.Hint(part, entry.Parts)}.");
        return entry.Open(part ?? "", dataRoot);
    }

    private static bool IsPath(string spec) =>
        spec[0] == '.' || spec.Contains('/') || spec.Contains(Path.DirectorySeparatorChar) || Path.IsPathRooted(spec);
}
