using Schane.Data.Dividing;
using Schane.Data.Listing;
using Schane.Data.Reading;
using Schane.Data.Sets;

namespace Schane.Data;

/// <summary>What a part of a data set officially holds.</summary>
/// <param name="Part">Its name.</param>
/// <param name="Images">How many images.</param>
/// <param name="Classes">Of how many classes.</param>
internal sealed record PartFacts(string Part, int Images, int Classes);

/// <summary>A data set that can be opened by name.</summary>
/// <param name="Name">The part of the name before the colon.</param>
/// <param name="Parts">What may follow the colon; the first is taken where none is named. Empty: it has no parts.</param>
/// <param name="Summary">What it is, in a line, with its source.</param>
/// <param name="Open">From part and data root to the data set.</param>
internal sealed record CatalogEntry(string Name, IReadOnlyList<string> Parts, string Summary, Func<string, string?, IImageDataset> Open)
{
    /// <summary>What each part officially holds.</summary>
    public IReadOnlyList<PartFacts> Facts { get; init; } = [];

    /// <summary>How results on it are customarily stated.</summary>
    public string Metric { get; init; } = "top-1 accuracy";

    /// <summary>The files that it is published as, where a program may fetch them.</summary>
    public IReadOnlyList<RemoteArchive> Archives { get; init; } = [];

    /// <summary>Folder below the data root that <see cref="DatasetFetch"/> puts them in.</summary>
    public string Folder { get; init; } = Name;
}

/// <summary>Data by name: a folder, or one of the data sets that Schane knows, as <c>NAME</c> or <c>NAME:PART</c>.</summary>
public static class DatasetCatalog
{
    private static readonly string[] TrainTest = ["train", "test"], FewShot = ["train", "val", "test"];

    /// <summary>Every data set there is, in the order in which it is listed. This list is the one place where a
    /// data set is made known.</summary>
    internal static IReadOnlyList<CatalogEntry> Entries { get; } =
    [
        new("lookalikes", ["train", "val", "test", "base", "base-val"], "groups of near twins drawn at run time; needs no files",
            (part, _) => new LookalikesDataset(LookalikesDataset.PartOf(part)))
        { Facts = [new("train", 400, 40), new("val", 400, 40), new("test", 1200, 40), new("base", 20000, 80), new("base-val", 800, 80)] },
        new("omniglot", ["small1", "small2", "background", "evaluation"],
            "hand-written characters, turned by 90° as classes of their own (Lake et al. 2015)",
            (part, root) => OmniglotDataset.Background(part, rotations: true, root))
        {
            Facts = [new("small1", 10880, 544), new("small2", 12480, 624), new("background", 77120, 3856), new("evaluation", 52720, 2636)],
            Metric = "one-shot error on the 20 official runs", Archives = Official.Omniglot
        },
        new("cifar10", TrainTest, "small photographs of 10 kinds of things, 32 × 32 (Krizhevsky 2009)", Cifar.Ten)
        { Facts = [new("train", 50000, 10), new("test", 10000, 10)], Archives = Official.Cifar10 },
        new("cifar100", TrainTest, "small photographs of 100 kinds of things, 32 × 32 (Krizhevsky 2009)", Cifar.Hundred)
        { Facts = [new("train", 50000, 100), new("test", 10000, 100)], Archives = Official.Cifar100 },
        new("cub", TrainTest, "200 kinds of birds (Wah et al. 2011)", FineGrained.Cub)
        { Facts = [new("train", 5994, 200), new("test", 5794, 200)], Archives = Official.Cub },
        new("caltech256", ["all"], "256 kinds of things, no official division (Griffin et al. 2007)", FineGrained.Caltech)
        { Facts = [new("all", 29780, 256)], Metric = "mean accuracy per class" },
        new("flowers102", ["train", "val", "test"], "102 kinds of flowers (Nilsback and Zisserman 2008)", FineGrained.Flowers)
        {
            Facts = [new("train", 1020, 102), new("val", 1020, 102), new("test", 6149, 102)], Metric = "mean accuracy per class",
            Archives = Official.Flowers, Folder = "flowers-102"
        },
        new("pets", TrainTest, "37 breeds of cats and dogs (Parkhi et al. 2012)", FineGrained.Pets)
        {
            Facts = [new("train", 3680, 37), new("test", 3669, 37)], Metric = "mean accuracy per class",
            Archives = Official.Pets, Folder = "oxford-iiit-pet"
        },
        new("inat2017", ["train", "val"], "5089 species (Van Horn et al. 2018)", LargeScale.INaturalist)
        { Facts = [new("train", 579184, 5089), new("val", 95986, 5089)], Archives = Official.INaturalist },
        new("places365", ["train", "val"], "365 kinds of places (Zhou et al. 2017)", LargeScale.Places)
        { Facts = [new("train", 1803460, 365), new("val", 36500, 365)], Archives = Official.Places },
        new("imagenet", ["train", "val"], "1000 kinds of things (Russakovsky et al. 2015)", LargeScale.ImageNet)
        { Facts = [new("train", 1281167, 1000), new("val", 50000, 1000)] },
        new("cifar-fs", FewShot, "CIFAR-100 divided by class for episodes (Bertinetto et al. 2019)", FewShotSets.CifarFs)
        { Facts = [new("train", 38400, 64), new("val", 9600, 16), new("test", 12000, 20)], Metric = "mean accuracy over 5-way episodes" },
        new("fc100", FewShot, "CIFAR-100 divided by superclass for episodes (Oreshkin et al. 2018)", Cifar.Fc100)
        {
            Facts = [new("train", 36000, 60), new("val", 12000, 20), new("test", 12000, 20)], Metric = "mean accuracy over 5-way episodes",
            Archives = Official.Cifar100, Folder = "cifar100"
        },
        new("mini-imagenet", FewShot, "100 classes of ImageNet divided for episodes, 84 × 84 (Vinyals et al. 2016, Ravi and " +
            "Larochelle 2017)", FewShotSets.MiniImageNet)
        { Facts = [new("train", 38400, 64), new("val", 9600, 16), new("test", 12000, 20)], Metric = "mean accuracy over 5-way episodes" },
        new("tiered-imagenet", FewShot,
            "608 classes of ImageNet divided for episodes by what they are, 84 × 84 (Ren et al. 2018)", TieredImageNet.Open)
        {
            Facts = [new("train", 448695, 351), new("val", 124261, 97), new("test", 206209, 160)],
            Metric = "mean accuracy over 5-way episodes"
        },
    ];

    /// <summary>The data set of a name.</summary>
    /// <exception cref="SchaneException">There is none; the message lists them.</exception>
    internal static CatalogEntry Find(string name) => Entries.FirstOrDefault(e => e.Name == name)
        ?? throw new SchaneException($"There is no data set '{Printable.Escape(name)}'{Nearest.Hint(name, Entries.Select(e => e.Name))}. " +
            $"Data sets: {string.Join(", ", Entries.Select(e => e.Name))}.");

    /// <summary>Opens a data set.</summary>
    /// <param name="spec"><c>omniglot:small1</c>, a folder's path (of class folders, or of Parquet files), <c>FOLDER:PART</c> for a part of
    /// a divided one, a .parquet file, a list (.csv, .tsv, .jsonl), or <c>./NAME</c> for a folder that is called like a data set.</param>
    /// <param name="dataRoot">Where data sets lie; <c>$SCHANE_DATA</c> and the user's data folder are searched after it.</param>
    /// <param name="options">How a folder is read; its limits hold for all image files.</param>
    /// <exception cref="SchaneException">Neither a name nor a folder, or what it names can't be opened.</exception>
    public static IImageDataset Open(string spec, string? dataRoot = null, FolderOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(spec);
        if (ImageIndex.Is(spec) && !Directory.Exists(spec))
            return File.Exists(spec) ? OpenList(spec, options ?? new())
                : throw new SchaneException($"There is no index '{Printable.Escape(spec)}'.");
        if (PartFolder(spec, dataRoot) is { } place)
            return OpenFolder(place, options, spec);
        if (PartInside(spec) is var (whole, wanted))
            return PartOf(whole, wanted, dataRoot, options);
        if (IsPath(spec) || File.Exists(spec))
            return OpenFolder(spec, options);
        var (name, part) = spec.Split(':', 2) is [var before, var after] ? (before, after) : (spec, null);
        if (Entries.FirstOrDefault(e => e.Name == name) is { } entry)
            return OpenPart(entry, part, dataRoot, options);
        if (Directory.Exists(spec))
            return OpenFolder(spec, options);
        if (DataRoot.TryFind(dataRoot, spec) is { } found && Directory.Exists(found))
            return OpenFolder(found, options);
        throw new SchaneException(
            $"There is no data set and no folder '{Printable.Escape(spec)}'{Nearest.Hint(name, Entries.Select(e => e.Name))}. Data sets: " +
            $"{string.Join(", ", Entries.Select(e => e.Name))}.");
    }

    /// <summary>Whether a spec names one part of a data set or of a divided folder: <c>NAME:PART</c>.</summary>
    internal static bool IsPart(string spec, string? dataRoot) =>
        (!IsPath(spec) && spec.Split(':', 2) is [var name, _] && Entries.Any(e => e.Name == name))
            || PartFolder(spec, dataRoot) is not null || PartInside(spec) is not null;

    /// <summary>The folder <c>FOLDER/PART</c> that <c>FOLDER:PART</c> names; null where a spec names none.</summary>
    private static string? PartFolder(string spec, string? dataRoot)
    {
        if (spec.LastIndexOf(':') is not (> 1 and var colon) || Path.Exists(spec) || Entries.Any(e => e.Name == spec[..colon]))
            return null;
        var (folder, part) = (spec[..colon], spec[(colon + 1)..]);
        if (part.Length == 0 || part[0] == '.' || part.AsSpan().IndexOfAny('/', '\\') >= 0)
            return null;
        var place = Path.Combine(folder, part);
        return Directory.Exists(place)
            ? place : IsPath(spec) ? null : DataRoot.TryFind(dataRoot, place) is { } found && Directory.Exists(found) ? found : null;
    }

    /// <summary>The list, Parquet files or folder and the part of it that a spec names, where the part is no folder of that name.</summary>
    private static (string Whole, string Part)? PartInside(string spec) =>
        spec.LastIndexOf(':') is > 1 and var colon && !Path.Exists(spec) && Path.Exists(spec[..colon])
            && PartWords.Find(spec[(colon + 1)..]) is { } part ? (spec[..colon], part) : null;

    private static Subset PartOf(string whole, string part, string? dataRoot, FolderOptions? options)
    {
        var images = Open(whole, dataRoot, options);
        var divided = images as IDividedImages;
        int[] indices = [.. Enumerable.Range(0, images.Count).Where(i => divided?.PartOf(i) == part)];
        return indices.Length > 0 ? new(images, indices, $"{images.Name}/{part}") : throw new SchaneException(
            $"'{Printable.Escape(whole)}' has no images of the part {part}; its parts: " +
            $"{(divided is { Parts: { Count: > 0 } parts } ? string.Join(", ", parts) : "none")}.");
    }

    private static IImageDataset OpenList(string path, FolderOptions options) => Enough(path, ImageIndex.Open(path, new()
    {
        PathColumn = options.PathColumn, LabelColumn = options.LabelColumn, SplitColumn = options.SplitColumn, Limits = options.Limits,
        MultiLabel = options.MultiLabel,
    }), options);

    /// <summary>Refuses fewer classes than are asked for, as <see cref="ImageFolder.Open(string, FolderOptions?)"/> does.</summary>
    private static IImageDataset Enough(string path, IImageDataset images, FolderOptions? options)
    {
        var least = (options ?? new()).MinClasses;
        return images.Classes.Count >= least ? images : throw new SchaneException(
            $"'{Printable.Escape(path)}' holds one class, '{Printable.Escape(images.Classes[0])}'; telling classes apart needs at least " +
            $"{least}. {IAccounted.Of(images).Sentence}".TrimEnd());
    }

    private static IImageDataset OpenFolder(string path, FolderOptions? options, string? name = null) =>
        ParquetFiles.Of(path) is { Count: > 0 } files
            ? Enough(path, Limited(ParquetImages.Open(path, files, options?.LabelColumn, options?.MultiLabel), options), options)
            : ImageFolder.Open(path, options, name);

    /// <summary>A data set with the limits on what its image files may ask for; one that holds plain samples
    /// or drawings has none.</summary>
    private static IImageDataset Limited(IImageDataset images, FolderOptions? options) => (images, options) switch
    {
        (ListedImages listed, { Limits: var limits }) => listed.With(limits),
        (StoredImages stored, { Limits: var limits }) => stored.With(limits),
        _ => images,
    };

    /// <summary>One part of a data set that Schane knows; null: the first.</summary>
    internal static IImageDataset OpenPart(CatalogEntry entry, string? part, string? dataRoot, FolderOptions? options)
    {
        if (part is null ? entry.Parts.Count > 0 : !entry.Parts.Contains(part))
            part = part is null ? entry.Parts[0] : throw new SchaneException(
                $"{entry.Name} has {(entry.Parts.Count == 0 ? "no parts" : $"the parts {string.Join(", ", entry.Parts)}")}, not " +
                $"'{Printable.Escape(part)}'{Nearest.Hint(part, entry.Parts)}.");
        return Limited(entry.Open(part ?? "", dataRoot), options);
    }

    private static bool IsPath(string spec) =>
        spec[0] == '.' || spec.Contains('/') || spec.Contains(Path.DirectorySeparatorChar) || Path.IsPathRooted(spec);
}
