namespace Schane.Data;

/// <summary>Where data sets lie: a folder that was named, then <c>$SCHANE_DATA</c>, then the user's own data folder.</summary>
internal static class DataRoot
{
    public const string Variable = "SCHANE_DATA";

    /// <summary>The folders that are searched, in order; they need not exist.</summary>
    public static IReadOnlyList<string> Candidates(string? dataRoot) =>
    [
        .. new[]
        {
            dataRoot,
            Environment.GetEnvironmentVariable(Variable),
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData,
                Environment.SpecialFolderOption.DoNotVerify), "schane", "data"),
        }.Where(folder => !string.IsNullOrWhiteSpace(folder)).Select(folder => folder!).Distinct(),
    ];

    /// <summary>The first existing file or folder among <paramref name="relatives"/> in the folders searched,
    /// null if there is none.</summary>
    public static string? TryFind(string? dataRoot, params ReadOnlySpan<string> relatives)
    {
        foreach (var root in Candidates(dataRoot))
            foreach (var relative in relatives)
                if (Path.Combine(root, relative) is var path && Path.Exists(path))
                    return path;
        return null;
    }

    /// <summary>The same, but throws an error that says where it looked and how to get the data.</summary>
    public static string Find(string? dataRoot, string what, string howToGet, params ReadOnlySpan<string> relatives) =>
        TryFind(dataRoot, relatives) ?? throw new SchaneException(
            $"{what} needs {relatives[0]}, which is in none of " +
            $"{string.Join(", ", Candidates(dataRoot).Select(c => $"'{Printable.Escape(c)}'"))}. {howToGet}, then name the folder above " +
            $"it with --data-root or ${Variable}.");
}
