using System.Text.RegularExpressions;
using Schane.Data.Reading;

namespace Schane.Data.Dividing;

/// <summary>Images that belong together (of one animal, one film, one patient) and must not be divided: by a column of an index, or by what
/// a regular expression finds in their names.</summary>
internal static class Grouping
{
    /// <summary>From an image's name to its group.</summary>
    /// <param name="images">The images.</param>
    /// <param name="by">A column of the index they come from, else a regular expression (no back-references): what its parentheses catch in
    /// the name, or what it matches where it has none. An image without a value or a match is alone.</param>
    /// <exception cref="SchaneException">Neither a column nor an expression, or it matches no name.</exception>
    public static Func<string, string> Of(IImageDataset images, string by)
    {
        var index = images as ImageIndex;
        if (index?.Column(by) is { } column)
        {
            var groups = new Dictionary<string, string>();
            for (var i = 0; i < images.Count; i++)
                if (column[i] is { } group)
                    groups[images.NameOf(i)] = group;
            return name => groups.GetValueOrDefault(name) is { } group ? $"group {group}" : name;
        }
        Regex expression;
        try
        {
            // Linear in the name's length, whatever the expression.
            expression = new(by, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new SchaneException($"group-by '{Printable.Escape(by)}' is no column and no regular expression: {e.Message}", e);
        }
        var some = images.Count == 0 ? "" : images.NameOf(0);
        if (!Enumerable.Range(0, images.Count).Any(i => expression.IsMatch(images.NameOf(i))))
            throw new SchaneException($"group-by '{Printable.Escape(by)}' {(index is null ? "matches" : "is no column and matches")} " +
                $"none of the {images.Count} names of {Printable.Escape(images.Name)}, such as '{Printable.Escape(some)}'. An example: " +
                "'([^/]+)_\\d+\\.' puts a_1.jpg and a_2.jpg together.");
        return name => expression.Match(name) is { Success: true } match
            ? $"group {(match.Groups.Count == 1 ? match.Value : string.Join('\0', match.Groups.Values.Skip(1).Select(g => g.Value)))}"
            : name;
    }
}
