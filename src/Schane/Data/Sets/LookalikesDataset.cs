using Schane.Tensors;

namespace Schane.Data.Sets;

/// <summary>
/// Images of plain figures in groups of four near twins that differ in one small trait: a notch, a count, an angle, a corner. Drawn
/// when they are read, 64 × 64 RGB, in random pose and colours, with clutter, occlusion and noise; no files.
/// </summary>
/// <remarks>
/// An image is a pure function of (seed, part, class, number); on one machine it is the same to the bit. Mirroring and turning keep the
/// label. 20 base groups (80 classes) share no class with 10 novel groups (40 classes).
/// </remarks>
internal sealed class LookalikesDataset : IImageDataset
{
    /// <summary>Width and height of every image.</summary>
    public const int Side = 64;

    /// <summary>Classes in a group of twins.</summary>
    public const int TwinsPerGroup = 4;

    private static readonly Lazy<LookalikesFigure[]> BaseFigures = new(() => Figures(LookalikesCatalogue.Base));
    private static readonly Lazy<LookalikesFigure[]> NovelFigures = new(() => Figures(LookalikesCatalogue.Novel));

    private readonly LookalikesPart part;
    private readonly long seed;
    private readonly LookalikesFigure[] figures;

    /// <summary>One part of the data set.</summary>
    /// <param name="part">Which.</param>
    /// <param name="imagesPerClass">At least 1; null for the part's own number (<see cref="ImagesPerClassOf"/>). More images
    /// begin with the same ones.</param>
    /// <param name="seed">Another seed gives other images of the same classes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="imagesPerClass"/> is less than 1.</exception>
    public LookalikesDataset(LookalikesPart part, int? imagesPerClass = null, long seed = 0)
    {
        (this.part, this.seed) = (part, seed);
        ImagesPerClass = Require.AtLeast(imagesPerClass ?? ImagesPerClassOf(part), 1, nameof(imagesPerClass));
        var isBase = part is LookalikesPart.Base or LookalikesPart.BaseValidation;
        var groups = isBase ? LookalikesCatalogue.Base : LookalikesCatalogue.Novel;
        figures = (isBase ? BaseFigures : NovelFigures).Value;
        Classes = [.. groups.SelectMany(g => g.Twins.Select(twin => $"{g.Name}-{twin}"))];
        TwinGroups = [.. groups.Select(g => g.Name)];
        Name = $"lookalikes:{NameOfPart(part)}";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Names of the groups of twins.</summary>
    public IReadOnlyList<string> TwinGroups { get; }

    /// <summary>Images of each class.</summary>
    public int ImagesPerClass { get; }

    /// <inheritdoc/>
    public int Count => Classes.Count * ImagesPerClass;

    /// <inheritdoc/>
    public int LabelOf(int index) => index >= 0 && index < Count ? index / ImagesPerClass
        : throw new ArgumentOutOfRangeException(nameof(index), $"index must lie between 0 and {Count - 1} but is {index}.");

    /// <inheritdoc/>
    public string NameOf(int index) => $"{Classes[LabelOf(index)]}/{index % ImagesPerClass:d4}";

    /// <summary>The group of twins a class belongs to, an index into <see cref="TwinGroups"/>: classes of one group
    /// differ in one trait only.</summary>
    public int TwinGroupOf(int label) => label >= 0 && label < Classes.Count ? label / TwinsPerGroup
        : throw new ArgumentOutOfRangeException(nameof(label), $"label must lie between 0 and {Classes.Count - 1} but is {label}.");

    /// <inheritdoc/>
    public Image8 Read(int index)
    {
        var label = LabelOf(index);
        var random = new SampleRandom(seed, (int)part, label, index % ImagesPerClass);
        return new(Side, Side, 3, LookalikesPainter.Paint(figures[label], Side, ref random));
    }

    /// <summary>Images a class has in a part unless said otherwise: 250 base, 10 to train, 10 to validate, 30 to test.</summary>
    public static int ImagesPerClassOf(LookalikesPart part) => part switch
    {
        LookalikesPart.Base => 250,
        LookalikesPart.BaseValidation or LookalikesPart.Train or LookalikesPart.Validation => 10,
        LookalikesPart.Test => 30,
        _ => throw new ArgumentOutOfRangeException(nameof(part), $"part must be a LookalikesPart but is {part}."),
    };

    /// <summary>The part of that name: <c>base</c>, <c>base-val</c>, <c>train</c>, <c>val</c> or <c>test</c>.</summary>
    /// <exception cref="SchaneException">No such part.</exception>
    public static LookalikesPart PartOf(string name) =>
        Enum.GetValues<LookalikesPart>().Select(p => (LookalikesPart?)p).FirstOrDefault(p => NameOfPart(p!.Value) == name)
        ?? throw new SchaneException("Lookalikes has the parts " +
            $"{string.Join(", ", Enum.GetValues<LookalikesPart>().Select(NameOfPart))}, but no '{Printable.Escape(name)}'.");

    private static string NameOfPart(LookalikesPart part) => part switch
    {
        LookalikesPart.Base => "base",
        LookalikesPart.BaseValidation => "base-val",
        LookalikesPart.Train => "train",
        LookalikesPart.Validation => "val",
        LookalikesPart.Test => "test",
        _ => throw new ArgumentOutOfRangeException(nameof(part), $"part must be a LookalikesPart but is {part}."),
    };

    private static LookalikesFigure[] Figures(IReadOnlyList<LookalikesGroup> groups)
    {
        LookalikesFigure[] figures = [.. groups.SelectMany(g => Enumerable.Range(0, g.Twins.Count).Select(g.Figure))];
        // Skia computes bounds on first use; once here, so that threads only read
        foreach (var figure in figures)
            _ = (figure.Body.Bounds, figure.Marks?.Bounds);
        return figures;
    }
}
