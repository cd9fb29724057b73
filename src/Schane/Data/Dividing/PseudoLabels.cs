using System.Globalization;
using System.Text;
using Schane.Checkpoints;
using Schane.Data.Reading;

namespace Schane.Data.Dividing;

/// <summary>Labels that a model gave to images without any, as a list.</summary>
internal static class PseudoLabels
{
    /// <summary>The folder of images without labels: as it is named, or below that of the named data sets.</summary>
    /// <exception cref="SchaneException">There is none.</exception>
    public static string Folder(string name, string? dataRoot) =>
        (Directory.Exists(name) ? name : DataRoot.TryFind(dataRoot, name)) is { } found && Directory.Exists(found)
            ? Path.GetFullPath(found) : throw new SchaneException($"There is no folder '{Printable.Escape(name)}' of images without " +
                "labels; name one with unlabelled.");

    /// <summary>The images of a list, under the classes of the labelled ones.</summary>
    /// <param name="list">CSV with the columns <c>path</c> and <c>label</c>.</param>
    /// <param name="folder">What the paths are relative to.</param>
    /// <param name="classes">Of the labelled images.</param>
    /// <param name="limits">Of their files.</param>
    /// <exception cref="SchaneException">The list can't be read, or names an image twice, none below the folder, or another
    /// class.</exception>
    public static ListedImages Load(string list, string folder, IReadOnlyList<string> classes, ImageLimits limits)
    {
        var inside = Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar;
        var places = classes.Index().ToDictionary(c => c.Item, c => c.Index);
        var images = new Dictionary<string, int>();
        foreach (var (line, name, label) in LabelEdits.Rows(list, wantsClass: true))
        {
            void Refuse(string what) =>
                throw new SchaneException($"'{Printable.Escape(list)}', line {line}: {what}");
            if (!places.TryGetValue(label, out var place))
                Refuse($"'{Printable.Escape(label)}' is not among the {classes.Count} classes{Nearest.Hint(label, classes)}.");
            if (!Path.GetFullPath(name, folder).StartsWith(inside, StringComparison.Ordinal) || !File.Exists(Path.Combine(folder, name)))
                Refuse($"there is no image '{Printable.Escape(name)}' in '{Printable.Escape(folder)}'; paths are below that folder.");
            if (!images.TryAdd(name, place))
                Refuse($"'{Printable.Escape(name)}' stands twice; keep one.");
        }
        return new(Path.GetFileName(list), folder, classes, [.. images.Select(i => (i.Key, i.Value))], limits);
    }

    /// <summary>Writes a list.</summary>
    public static void Save(string path, IEnumerable<(string Name, string Label, double Confidence)> images)
    {
        var text = new StringBuilder("path,label,confidence\n");
        foreach (var (name, label, confidence) in images)
            text.Append(CultureInfo.InvariantCulture, $"{TextTable.Quoted(name)},{TextTable.Quoted(label)},{confidence:0.####}\n");
        AtomicFile.WriteText(path, text.ToString());
    }
}
