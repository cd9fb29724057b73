namespace Schane.Data.Reading;

/// <summary>Images of a class, in all and by part.</summary>
/// <param name="Class">Name of the class.</param>
/// <param name="Images">How many there are.</param>
/// <param name="Parts">How many of them in <c>train</c>, <c>val</c>, <c>test</c>; empty where the folder isn't divided.</param>
internal sealed record ClassCount(string Class, int Images, IReadOnlyDictionary<string, int> Parts);

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
/// <param name="NearDuplicates">Groups of images that look alike though their files differ, across parts or classes only.</param>
/// <param name="TooSmall">Classes with fewer readable training images than asked for.</param>
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
    IReadOnlyDictionary<string, IReadOnlyList<string>> NotUsed,
    IReadOnlyList<string> Warnings,
    string? Refusal)
{
    /// <summary>Whether training can start: it would not refuse the data, every file is readable, no label contradicts another, and no part
    /// holds copies of another.</summary>
    public bool IsClean => Refusal is null && Unreadable.Count == 0 && !Duplicates.Any(d => d.AcrossClasses || d.AcrossParts);
}
