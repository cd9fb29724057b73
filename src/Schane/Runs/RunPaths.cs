using Schane.Recipes;

namespace Schane.Runs;

/// <summary>Names of data and runs in what a run writes down, which may be shared.</summary>
internal static class RunPaths
{
    /// <summary>A data name or relative path as it is; of a full path only the last folder, since a run may be shared.</summary>
    internal static string Shareable(string data) =>
        Path.IsPathRooted(data) ? $"./{Path.GetFileName(Path.TrimEndingDirectorySeparator(data))}" : data;

    /// <summary>The full path of what lies on this disk, so that a run can be resumed from another folder.</summary>
    internal static string Located(string named) => Path.Exists(named) ? Path.GetFullPath(named) : named;

    internal static string NextFree(Recipe recipe)
    {
        var name = string.Concat(Path.GetFileName(Path.TrimEndingDirectorySeparator(recipe.Data))
            .Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));
        for (var n = 1; ; n++)
            if (Path.Combine("runs", $"{name}-{recipe.Loss.Name}-{n}") is var path && !Path.Exists(path))
                return path;
    }
}
