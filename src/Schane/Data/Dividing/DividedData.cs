using Schane.Data.Reading;

namespace Schane.Data.Dividing;

/// <summary>The three parts of a data set that a classifier is trained, validated and tested on; all have the same classes.</summary>
/// <param name="Train">Images to train on.</param>
/// <param name="Validation">Images looked at during training; null for none.</param>
/// <param name="Test">Images measured at the end; null for none.</param>
/// <param name="Splits">How images were divided here; null where the data came with all parts.</param>
internal sealed record DividedData(IImageDataset Train, IImageDataset? Validation, IImageDataset? Test, Splits? Splits)
{
    private const int MostFolds = 5;

    /// <summary>Warnings in words, about what was tolerated.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>Images that are in no part, because they came after the division was saved.</summary>
    internal int Unlisted { get; private init; }

    /// <summary>Opens data by name and divides what doesn't come divided.</summary>
    /// <param name="spec">As for <see cref="DatasetCatalog.Open"/>. Of a part that is named, as <c>mini-imagenet:train</c>,
    /// nothing is kept for the test.</param>
    /// <param name="validation">Share of the training images for validation where there is no such part.</param>
    /// <param name="test">Share of all images for the test where the data aren't divided at all.</param>
    /// <param name="seed">Key of the draw. The test part of data that aren't divided at all is the same for every seed.</param>
    /// <param name="saved">A division to use again instead of drawing one.</param>
    /// <param name="dataRoot">Where data sets lie.</param>
    /// <param name="options">How a folder is read; its limits hold for all image files.</param>
    /// <param name="folds">Cross-validation of data that aren't divided: fold <paramref name="seed"/> mod folds of division
    /// ⌊<paramref name="seed"/> / folds⌋ is the test. Null: one draw.</param>
    /// <param name="groupBy">Images that belong together and stay in one part: a column of an index, or a regular expression on the
    /// names. Null: each is alone.</param>
    /// <param name="refit">All images are for training, with folds to measure what is trained so: see
    /// <see cref="Splits.WithFolds"/>.</param>
    /// <param name="listed">The images, where they have been listed already.</param>
    /// <exception cref="SchaneException">The data can't be opened, their parts have different classes, or folds are asked of data
    /// that come divided.</exception>
    public static DividedData Open(
        string spec, double validation = 0.15, double test = 0.2, long seed = 0, Splits? saved = null, string? dataRoot = null,
        FolderOptions? options = null, int? folds = null, string? groupBy = null, bool refit = false,
        IImageDataset? listed = null)
    {
        if (DatasetCatalog.Entries.FirstOrDefault(e => e.Name == spec) is { } entry && entry.Parts.Contains("train"))
            return folds is not null ? throw ComeDivided(spec) : refit ? throw ComeMeasured(spec)
                : Named(entry, validation, seed, saved, dataRoot, options, groupBy);
        var images = listed ?? DatasetCatalog.Open(spec, dataRoot, options);
        var divided = images as IDividedImages;
        if (folds is not null && divided is { Parts.Count: > 0 })
            throw ComeDivided(spec);
        var groupOf = groupBy is null || saved is not null ? null : Grouping.Of(images, groupBy);
        var splits = saved ?? (refit ? Splits.WithFolds(Labelled(images) ?? throw ComeMeasured(spec), MostFolds, seed, groupOf)
            : divided is { Parts.Count: > 0 } ? Splits.Of(images, divided.PartOf, validation, seed, groupOf)
            : folds is { } k ? Splits.Fold(images, k, (int)(seed % k), validation, seed / k, groupOf)
            : Splits.WithOneTest(images, validation, DatasetCatalog.IsPart(spec, dataRoot) ? 0 : test, seed, groupOf));
        var account = IAccounted.Of(images);
        return Of(images, saved is null ? splits with { NotUsed = account.Counts } : splits) with
        { Warnings = [.. account.Sentences, .. divided?.Warnings ?? []] };
    }

    /// <summary>The images of data that are no published set; null for others.</summary>
    internal static IImageDataset? Own(string spec, string? dataRoot, FolderOptions? options = null) =>
        DatasetCatalog.Entries.Any(e => e.Name == spec.Split(':')[0]) ? null : DatasetCatalog.Open(spec, dataRoot, options);

    /// <summary>All labelled images where there is no part to choose or measure on; null elsewhere.</summary>
    internal static IImageDataset? Labelled(IImageDataset images) => images is not IDividedImages { Parts.Count: > 0 } divided ? images
        : divided.Parts.Any(part => part != "train") ? null
        : new Subset(images, [.. Enumerable.Range(0, images.Count).Where(i => divided.PartOf(i) == "train")]);

    /// <summary>The number of images of data that come without parts; null where they come divided.</summary>
    internal static int? UndividedImages(string spec, string? dataRoot, FolderOptions? options = null)
    {
        if (DatasetCatalog.Entries.FirstOrDefault(e => e.Name == spec) is { } entry && entry.Parts.Contains("train"))
            return null;
        var images = DatasetCatalog.Open(spec, dataRoot, options);
        return images is IDividedImages { Parts.Count: > 0 } ? null : images.Count;
    }

    private static SchaneException ComeMeasured(string spec) => new($"'{Printable.Escape(spec)}' comes with parts to choose or measure " +
        "on, so there are no folds to draw; leave out no-refit: false.");

    private static SchaneException ComeDivided(string spec) => new($"'{Printable.Escape(spec)}' comes divided into parts, so folds can't " +
        "be drawn; leave out --folds, or name a folder that is not divided.");

    private static DividedData Of(IImageDataset images, Splits splits)
    {
        IImageDataset? Part(string part) =>
            splits.Parts.TryGetValue(part, out var names) && names.Count > 0 ? splits.Part(images, part) : null;
        return new(Part("train") ?? throw new SchaneException(
            $"{images.Name} has no images to train on: its parts are {string.Join(", ", splits.Parts.Keys)}. Call one of them train."),
            Part("val"), Part("test"), splits)
        {
            Unlisted = Enumerable.Range(0, images.Count).Select(images.NameOf)
                .Except(splits.Parts.Values.SelectMany(names => names)).Count(),
        };
    }

    private static DividedData Named(CatalogEntry entry, double validation, long seed, Splits? saved, string? dataRoot,
        FolderOptions? options, string? groupBy)
    {
        var train = DatasetCatalog.OpenPart(entry, "train", dataRoot, options);
        IImageDataset? Other(string part)
        {
            if (!entry.Parts.Contains(part))
                return null;
            var images = DatasetCatalog.OpenPart(entry, part, dataRoot, options);
            return images.Classes.SequenceEqual(train.Classes) ? images
                : throw new SchaneException($"{entry.Name}:{part} has other classes than {entry.Name}:train: it is made for episodes. " +
                    "Train on another data set and use `schane fewshot`.");
        }
        var (val, test) = (Other("val"), Other("test"));
        // Where there are two parts, the second is for the figure at the end, whatever it is called.
        if (test is null)
            (val, test) = (null, val);
        if (val is not null || validation == 0)
            return new(train, val, test, null);
        var divided = Of(train,
            saved ?? Splits.Stratified(train, validation, 0, seed, groupBy is null ? null : Grouping.Of(train, groupBy)));
        return divided with { Test = test };
    }
}
