using Schane.Data.Listing;
using Schane.Data.Reading;

namespace Schane.Inference;

/// <summary>The images that files, folders, patterns and lists stand for.</summary>
public static class ImageFiles
{
    /// <summary>Every image in the order of the places; those of a folder or pattern by name.</summary>
    /// <param name="places">
    /// A file as it is; a folder with everything below it that is an image by content or name; a pattern with <c>*</c>, <c>**</c> or
    /// <c>?</c>, by the same rule;
    /// <c>-</c> for a list, one file a line, which is read as it is needed. Folders and patterns are read at once.
    /// </param>
    /// <param name="list">What <c>-</c> reads from; null where there is no list.</param>
    /// <exception cref="SchaneException">A place holds no images or is not there.</exception>
    public static IEnumerable<string> Find(IEnumerable<string> places, TextReader? list = null)
    {
        ArgumentNullException.ThrowIfNull(places);
        return Find(places, list, new());
    }

    /// <summary>The same; the account tells what folders and patterns hold beside images that are read.</summary>
    internal static IEnumerable<string> Find(IEnumerable<string> places, TextReader? list, InputAccount account) =>
        places.Select(place => place == "-" ? Lines(list)
            : Directory.Exists(place) ? Below(place, account)
            : File.Exists(place) || !PathPattern.Is(place) ? [place] : Matches(place, account)).ToList().SelectMany(found => found);

    /// <summary>Whether one file is named and nothing else.</summary>
    internal static bool IsOneFile(IReadOnlyList<string> places) =>
        places is [not "-" and var place] && !Directory.Exists(place) && (File.Exists(place) || !PathPattern.Is(place));

    private static IEnumerable<string> Lines(TextReader? list)
    {
        if (list is null)
            throw new SchaneException("'-' stands for a list of files, and there is none; name the files instead.");
        var any = false;
        while (list.ReadLine() is { } line)
            if ((any ? line : line.TrimStart('\uFEFF')) is { Length: > 0 } file)
            {
                any = true;
                yield return file;
            }
        if (!any)
            throw new SchaneException("The list names no file; it must have one a line.");
    }

    private static IReadOnlyList<string> Below(string folder, InputAccount account) =>
        FolderScan.Below(folder, PathPattern.All, account) is { Count: > 0 } found ? found : throw new SchaneException(
            $"Folder '{Printable.Escape(folder)}' holds no image (JPEG, PNG, GIF, WebP or BMP); name another.");

    private static IReadOnlyList<string> Matches(string pattern, InputAccount account)
    {
        var parts = pattern.Replace('\\', '/').Split('/');
        var whole = parts.TakeWhile(part => !PathPattern.Is(part)).ToArray();
        var root = string.Join('/', whole);
        var folder = whole.Length == 0 ? "." : root.Length == 0 ? "/" : root;
        var found = Directory.Exists(folder) ? FolderScan.Below(folder, new(parts[whole.Length..]), account) : [];
        return found.Count > 0 ? found : throw new SchaneException(
            $"No image matches '{Printable.Escape(pattern)}'; name another pattern.");
    }
}
