using Schane.Checkpoints;

namespace Schane.Data.Reading;

/// <summary>Images of a class, in all and by part.</summary>
/// <param name="Class">Name of the class.</param>
/// <param name="Images">How many there are.</param>
/// <param name="Parts">How many of them in <c>train</c>, <c>val</c>, <c>test</c>; empty where the folder isn't divided.</param>
internal sealed record ClassCount(string Class, int Images, IReadOnlyDictionary<string, int> Parts);

/// <summary>Sizes of images in pixels, upright, by their area.</summary>
/// <param name="Smallest">Width and height of the smallest.</param>
/// <param name="Median">Of the one in the middle.</param>
/// <param name="Largest">Of the largest.</param>
internal sealed record ImageSizes(int[] Smallest, int[] Median, int[] Largest)
{
    /// <summary>Of some images; null of none.</summary>
    public static ImageSizes? Of(IEnumerable<(int Width, int Height)> sizes)
    {
        int[][] sorted = [.. sizes.OrderBy(s => (long)s.Width * s.Height).ThenBy(s => s.Width).Select(s => new[] { s.Width, s.Height })];
        return sorted.Length == 0 ? null : new(sorted[0], sorted[(sorted.Length - 1) / 2], sorted[^1]);
    }
}

/// <summary>A file and what is wrong with it.</summary>
/// <param name="File">Path below the folder.</param>
/// <param name="Problem">The sentence.</param>
internal sealed record FileProblem(string File, string Problem);

/// <summary>Files with the same bytes.</summary>
/// <param name="Files">Paths below the folder.</param>
/// <param name="AcrossParts">Whether they stand in different parts: what is tested was trained on.</param>
/// <param name="AcrossClasses">Whether they stand in different classes: at least one label is wrong.</param>
internal sealed record DuplicateFiles(IReadOnlyList<string> Files, bool AcrossParts, bool AcrossClasses);

/// <summary>What <see cref="FolderCheck"/> found.</summary>
/// <param name="Folder">The folder as it was named.</param>
/// <param name="Images">Image files, readable or not.</param>
/// <param name="Classes">Counts, in order of names.</param>
/// <param name="Unreadable">Files that can't be decoded.</param>
/// <param name="Misnamed">Files whose extension says another format than their content; they are read rightly.</param>
/// <param name="Duplicates">Groups of equal files.</param>
/// <param name="NearDuplicates">Groups of images that may be nearly the same though their files differ, across parts or classes
/// only.</param>
/// <param name="TooSmall">Classes with fewer readable training images than asked for.</param>
/// <param name="Formats">Readable files by their format.</param>
/// <param name="Sizes">Sizes of the readable images; null where there are none.</param>
/// <param name="NotUsed">What is not used, by reason.</param>
/// <param name="Warnings">Sentences about the rest.</param>
/// <param name="Refusal">What training would refuse the data with; null where it would begin.</param>
internal sealed record FolderReport(
    string Folder,
    int Images,
    IReadOnlyList<ClassCount> Classes,
    IReadOnlyList<FileProblem> Unreadable,
    IReadOnlyList<FileProblem> Misnamed,
    IReadOnlyList<DuplicateFiles> Duplicates,
    IReadOnlyList<DuplicateFiles> NearDuplicates,
    IReadOnlyList<ClassCount> TooSmall,
    IReadOnlyDictionary<string, int> Formats,
    ImageSizes? Sizes,
    IReadOnlyDictionary<string, IReadOnlyList<string>> NotUsed,
    IReadOnlyList<string> Warnings,
    string? Refusal)
{
    /// <summary>Whether training can start: it would not refuse the data, every file is readable, no label contradicts another, and no part
    /// holds copies of another.</summary>
    public bool IsClean => Refusal is null && Unreadable.Count == 0 && !Duplicates.Any(d => d.AcrossClasses || d.AcrossParts);

    /// <summary>Images of the largest class over those of the smallest that has any; 1 where there is no class.</summary>
    public double Imbalance => Classes.Where(c => c.Images > 0).Select(c => c.Images).DefaultIfEmpty(1).ToArray() is var counts
        ? (double)counts.Max() / counts.Min() : 1;

    /// <summary>Everything that was found, one by one: its kind, the file or class, and what there is to say.</summary>
    public IEnumerable<(string Kind, string File, string Detail)> Findings()
    {
        foreach (var (file, problem) in Unreadable)
            yield return ("unreadable", file, problem);
        foreach (var (file, problem) in Misnamed)
            yield return ("misnamed", file, problem);
        foreach (var (copies, kind) in Duplicates.Select(d => (d, "copy")).Concat(NearDuplicates.Select(d => (d, "near copy"))))
            foreach (var file in copies.Files.Skip(1))
                yield return ($"{kind}{(copies.AcrossClasses ? " in another class" : copies.AcrossParts ? " in another part" : "")}", file,
                    copies.Files[0]);
        foreach (var small in TooSmall)
            yield return ("small class", small.Class, $"{small.Images} readable training images");
        foreach (var (reason, names) in NotUsed)
            foreach (var name in names)
                yield return ("not used", name, reason);
        foreach (var warning in Warnings)
            yield return ("warning", "", warning);
        if (Refusal is not null)
            yield return ("refusal", "", Refusal);
    }

    /// <summary>Writes <see cref="Findings"/> as a table with the columns <c>kind</c>, <c>file</c> and <c>detail</c>.</summary>
    /// <param name="path">The CSV file.</param>
    public void Save(string path) => AtomicFile.WriteText(path, string.Concat(Findings().Prepend(("kind", "file", "detail"))
        .Select(row => $"{TextTable.Quoted(row.Item1)},{TextTable.Quoted(row.Item2)},{TextTable.Quoted(row.Item3)}\n")));
}
