using System.IO.Enumeration;

namespace Schane.Data.Listing;

/// <summary>A pattern of paths: <c>*</c> and <c>?</c> stand for letters of a name, <c>**</c> for any number of folders.</summary>
/// <param name="names">The names of the pattern, from the folder on where it begins.</param>
internal sealed class PathPattern(IReadOnlyList<string> names)
{
    private static readonly bool IgnoresCase = OperatingSystem.IsWindows();

    /// <summary>Everything below a folder.</summary>
    public static PathPattern All { get; } = new(["**"]);

    /// <summary>Whether a path has anything that stands for something else.</summary>
    public static bool Is(string path) => path.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>Whether a file is meant.</summary>
    /// <param name="path">Its path below the folder where the pattern begins, with forward slashes.</param>
    public bool Matches(string path) => Matches(path.Split('/'), 0, 0);

    /// <summary>Whether a file below a folder can be meant.</summary>
    /// <param name="folder">The folder's path below the one where the pattern begins, with forward slashes.</param>
    public bool LeadsInto(string folder)
    {
        var path = folder.Split('/');
        for (var at = 0; at < path.Length; at++)
            if (at < names.Count && names[at] == "**")
                return true;
            else if (at >= names.Count - 1 || !Fits(names[at], path[at]))
                return false;
        return true;
    }

    private bool Matches(string[] path, int at, int from) =>
        from == names.Count ? at == path.Length
        : names[from] == "**" ? Matches(path, at, from + 1) || (at < path.Length && Matches(path, at + 1, from))
        : at < path.Length && Fits(names[from], path[at]) && Matches(path, at + 1, from + 1);

    private static bool Fits(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, IgnoresCase);
}
