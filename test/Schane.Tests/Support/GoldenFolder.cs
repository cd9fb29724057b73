using Schane.Tests.Generated;

namespace Schane.Tests.Support;

/// <summary>
/// Where reference values lie: the copy beside the tests, the folder that SCHANE_GOLDEN names if it is set, and one of random
/// configurations. Whatever cases they hold are run; a folder that is given may leave no kind out, the generated one does.
/// </summary>
internal static class GoldenFolder
{
    /// <summary>The copy beside the tests. Tests that need a certain file take it from here.</summary>
    public static string Own { get; } = Path.Combine(AppContext.BaseDirectory, "Golden");

    /// <summary>All folders with cases.</summary>
    public static IReadOnlyList<string> All { get; } =
        [Own, .. Environment.GetEnvironmentVariable("SCHANE_GOLDEN") is { Length: > 0 } given ? [Path.GetFullPath(given)] : (string[])[],
            GeneratedFolder.First];

    /// <summary>A part of each folder that has the file.</summary>
    public static IEnumerable<TheoryDataRow<string>> Of(string part, string file) =>
        All.Where(folder => folder != GeneratedFolder.First || File.Exists(Path.Combine(folder, part, file)))
            .Select(folder => new TheoryDataRow<string>(Path.Combine(folder, part)));

    /// <summary>A file or folder by a name that <see cref="Files"/> gave.</summary>
    public static string At(string part, string name) => Path.Combine(Own, part, name);

    /// <summary>
    /// The files of a part in all folders: by their own names in the copy beside the tests, by their whole paths elsewhere. None is an
    /// error, so that an empty folder can't pass.
    /// </summary>
    public static string[] Files(string part, string pattern) => [.. All.SelectMany(folder =>
    {
        string[] files = [.. Directory.GetFiles(Path.Combine(folder, part), pattern).Order(StringComparer.Ordinal)];
        return files.Length > 0 || folder == GeneratedFolder.First ? folder == Own ? files.Select(f => Path.GetFileName(f)) : files
            : throw new InvalidOperationException($"There is no {pattern} in {folder}.");
    })];
}
