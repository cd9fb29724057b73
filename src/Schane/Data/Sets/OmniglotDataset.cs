using System.Globalization;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>
/// Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): hand-written characters, 20 drawers each, 105 × 105 gray, read in place from the
/// published ZIP files and held decoded in memory (30 MB for a small set).
/// </summary>
/// <remarks>
/// <para>Ink is 255 and paper 0 (the files have black ink on white), so whatever a transform fills with zeros is paper.</para>
/// <para>With rotations every character makes four classes: as drawn and turned counter-clockwise by 90°, 180° and 270°, named
/// <c>Alphabet/characterNN@90</c>. Turned images are made when they are read.</para>
/// </remarks>
internal sealed class OmniglotDataset : IImageDataset
{
    private readonly List<byte[]> drawings;                               // one a file, shared by the subsets
    private readonly List<(int Drawing, int Label, int Drawer, string File)> images;
    private readonly List<(int Alphabet, string Name, int Rotation)> classes;

    private OmniglotDataset(
        string name, List<string> alphabets, List<(int, string, int)> classes, List<byte[]> drawings, List<(int, int, int, string)> images)
    {
        (Name, Alphabets, this.classes, this.drawings, this.images) = (name, alphabets, classes, drawings, images);
        Classes = [.. this.classes.Select(c => c.Name)];
    }

    /// <summary>Reads one of the published sets.</summary>
    /// <param name="part"><c>small1</c>, <c>small2</c> (the "minimal" background sets of five alphabets),
    /// <c>background</c> or <c>evaluation</c>.</param>
    /// <param name="rotations">Whether turns by 90°, 180° and 270° are classes of their own.</param>
    /// <param name="dataRoot">Folder that holds <c>omniglot/*.zip</c>; <c>$SCHANE_DATA</c> and the user's data folder
    /// are searched after it.</param>
    /// <exception cref="SchaneException">No such part, or the archive is missing or damaged.</exception>
    public static OmniglotDataset Background(string part, bool rotations = true, string? dataRoot = null)
    {
        var file = part switch
        {
            "small1" or "small2" => $"images_background_{part}.zip",
            "background" or "evaluation" => $"images_{part}.zip",
            _ => throw new SchaneException(
                $"Omniglot has the parts small1, small2, background, evaluation and runs, but no '{Printable.Escape(part)}'."),
        };
        using var archive = OmniglotArchive.Open(file, dataRoot);
        var entries = archive.Entries.Where(e =>
            e.FullName.EndsWith(".png", StringComparison.Ordinal) && !e.FullName.StartsWith("__MACOSX", StringComparison.Ordinal))
            .Select(e => (Entry: e, Parts: e.FullName.Split('/')))
            .Where(e => e.Parts.Length >= 3)
            .OrderBy(e => e.Entry.FullName, StringComparer.Ordinal).ToList();
        if (entries.Count == 0)
            throw new SchaneException($"'{file}' holds no Alphabet/character/image.png.");

        List<string> alphabets = [.. entries.Select(e => e.Parts[^3]).Distinct()];
        List<(int Alphabet, string Name, int Rotation)> classes = [];
        List<byte[]> drawings = [];
        List<(int Drawing, int Label, int Drawer, string File)> images = [];
        int[] turns = rotations ? [0, 90, 180, 270] : [0];
        foreach (var character in entries.GroupBy(e => $"{e.Parts[^3]}/{e.Parts[^2]}"))
        {
            var first = drawings.Count;
            drawings.AddRange(character.Select(e => OmniglotArchive.Decode(e.Entry)));
            foreach (var turn in turns)
            {
                var suffix = turn == 0 ? "" : $"@{turn}";
                images.AddRange(character.Select((e, i) =>
                    (first + i, classes.Count, DrawerIn(e.Parts[^1]), $"{character.Key}/{e.Parts[^1]}{suffix}")));
                classes.Add((alphabets.IndexOf(character.First().Parts[^3]), character.Key + suffix, turn));
            }
        }
        return new($"omniglot:{part}", alphabets, classes, drawings, images);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Alphabets in the order of <see cref="AlphabetOf"/>.</summary>
    public IReadOnlyList<string> Alphabets { get; }

    /// <inheritdoc/>
    public int Count => images.Count;

    /// <inheritdoc/>
    public int LabelOf(int index) => images[index].Label;

    /// <inheritdoc/>
    public string NameOf(int index) => images[index].File;

    /// <summary>Alphabet of a class, an index into <see cref="Alphabets"/>.</summary>
    public int AlphabetOf(int label) => classes[label].Alphabet;

    /// <summary>By how many degrees a class is turned counter-clockwise: 0, 90, 180 or 270.</summary>
    public int RotationOf(int label) => classes[label].Rotation;

    /// <summary>Who drew image <paramref name="index"/>: 1 to 20.</summary>
    public int DrawerOf(int index) => images[index].Drawer;

    /// <inheritdoc/>
    public Image8 Read(int index)
    {
        var (drawing, label, _, _) = images[index];
        var image = new Image8(OmniglotArchive.Side, OmniglotArchive.Side, 1, drawings[drawing]);
        return classes[label].Rotation switch
        {
            90 => Orientation.Apply(image, 8),
            180 => Orientation.Apply(image, 3),
            270 => Orientation.Apply(image, 6),
            _ => image,
        };
    }

    /// <summary>The same images of some alphabets only, with classes numbered anew; pixels are shared.</summary>
    /// <param name="alphabets">Names out of <see cref="Alphabets"/>.</param>
    /// <exception cref="SchaneException">A name is none of them.</exception>
    public OmniglotDataset Only(params IReadOnlyList<string> alphabets)
    {
        foreach (var wanted in alphabets)
            if (!Alphabets.Contains(wanted))
                throw new SchaneException($"{Name} has no alphabet '{Printable.Escape(wanted)}'; it has {string.Join(", ", Alphabets)}.");
        List<string> kept = [.. Alphabets.Where(alphabets.Contains)];
        var labels = new Dictionary<int, int>();
        List<(int, string, int)> keptClasses = [];
        for (var label = 0; label < classes.Count; label++)
            if (kept.IndexOf(Alphabets[classes[label].Alphabet]) is var alphabet and >= 0)
            {
                labels[label] = keptClasses.Count;
                keptClasses.Add((alphabet, classes[label].Name, classes[label].Rotation));
            }
        return new($"{Name}/{string.Join('+', kept)}", kept, keptClasses, drawings,
            [.. images.Where(i => labels.ContainsKey(i.Label)).Select(i => (i.Drawing, labels[i.Label], i.Drawer, i.File))]);
    }

    private static int DrawerIn(string file) =>                           // 0108_01.png: character 108, drawer 1
        int.TryParse(Path.GetFileNameWithoutExtension(file).Split('_')[^1], NumberStyles.None,
            CultureInfo.InvariantCulture, out var drawer) ? drawer
            : throw new SchaneException($"'{Printable.Escape(file)}' doesn't end in _NN, the number of the drawer.");
}
