using Schane.Data.Reading;

namespace Schane.Data.Listing;

/// <summary>Finds the Parquet files of a data set, and their parts.</summary>
internal static class ParquetFiles
{
    private const int MostDepth = 4;

    /// <summary>The Parquet files that a path names: itself, those of a folder or of <c>data/</c> in it, or those of folders below that
    /// hold nothing else (as <c>default/train/0000.parquet</c>, the hub's own conversion); none where it is another thing.</summary>
    public static IReadOnlyList<string> Of(string path)
    {
        if (File.Exists(path))
            return Path.GetExtension(path).Equals(".parquet", StringComparison.OrdinalIgnoreCase) ? [path] : [];
        foreach (var folder in new[] { path, Path.Combine(path, "data") })
            if (Directory.Exists(folder) && In(folder) is { Count: > 0 } files)
                return files;
        List<string> below = [];
        return Directory.Exists(path) && Descend(path, MostDepth, below) ? below : [];
    }

    /// <summary>The part of each file, by its name or the folders that it lies in; all null where none has one. The account is told what
    /// lies beside them.</summary>
    /// <exception cref="SchaneException">Some have a part and others not, or two words mean one part.</exception>
    public static IReadOnlyList<string?> PartsOf(string path, IReadOnlyList<string> files, InputAccount account)
    {
        var shown = Printable.Escape(path);
        var words = files.Select(file => WordOf(path, file)).ToList();
        if (words.Exists(w => w is not null) && words.IndexOf(null) is var at and >= 0)
            throw new SchaneException($"'{Printable.Escape(files[at])}' is of no part, though other files of '{shown}' are. Rename it; " +
                $"parts are called {PartWords.Known}.");
        if (!File.Exists(path))
        {
            var configurations = files.Select(f => Above(path, f)).Where(a => a.Length > 0 && PartWords.Find(a[0]) is null)
                .Select(a => a[0]).Distinct().ToList();
            if (configurations.Count > 1)
                throw new SchaneException($"'{shown}' holds Parquet files in {string.Join(" and ", configurations.Select(c =>
                    $"'{Printable.Escape(c)}'"))}; name one of these folders.");
            foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos().Where(e => e.Name[0] != '.')
                .OrderBy(e => e.Name, StringComparer.Ordinal))
                if (!files.Any(f => f == entry.FullName || Path.GetFullPath(f).StartsWith(Path.GetFullPath(entry.FullName) +
                    (entry is DirectoryInfo ? $"{Path.DirectorySeparatorChar}" : ""), StringComparison.Ordinal)))
                    account.PassOver(Reason.BesideParquet, entry.Name);
        }
        PartWords.RefuseTwice($"'{shown}'", words.OfType<string>());
        return [.. words.Select(w => w is null ? null : PartWords.Find(w))];
    }

    /// <summary>The word for a part in a file's name, as <c>train-00000-of-00002.parquet</c>, or in the nearest folder above it.</summary>
    private static string? WordOf(string path, string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        string[] words = [name, name.Split('.')[0], name.Split('-', '.')[0], .. File.Exists(path) ? [] : Above(path, file).Reverse()];
        return words.FirstOrDefault(w => PartWords.Find(w) is not null)?.ToLowerInvariant();
    }

    /// <summary>The folders between a path and a file.</summary>
    private static string[] Above(string path, string file) =>
        Path.GetRelativePath(path, file).Split(Path.DirectorySeparatorChar)[..^1] is ["data", .. var rest] ? rest
        : Path.GetRelativePath(path, file).Split(Path.DirectorySeparatorChar)[..^1];

    private static List<string> In(string folder) => [.. Directory.EnumerateFiles(folder)
        .Where(f => Path.GetExtension(f).Equals(".parquet", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];

    /// <summary>Collects the Parquet files below a folder; false as soon as there is an image, as in a folder of images.</summary>
    private static bool Descend(string folder, int depth, List<string> found)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
            if (Magic.Claimed(file) != ImageFormat.Unknown)
                return false;
        found.AddRange(In(folder));
        return depth == 0 || FolderScan.Folders(folder).All(below => Descend(below.FullName, depth - 1, found));
    }
}
