using System.Security.Cryptography;
using System.Text;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Data.Listing;
using Schane.Data.Reading;
using Schane.Data.Sets;
using Schane.Recipes;

namespace Schane.Planning;

/// <summary>The parts of a data set that a run uses, and what suits it where the recipe is silent.</summary>
/// <param name="Train">Images to train on.</param>
/// <param name="Validation">Images looked at during training; null for none.</param>
/// <param name="Test">Images of the same classes, measured at the end; null for none.</param>
/// <param name="Model">Default model.</param>
/// <param name="Augmentation">Default transform preset.</param>
/// <param name="Epochs">Default epochs; null: what the budget holds.</param>
internal sealed record DataSetup(IImageDataset Train, IImageDataset? Validation, IImageDataset? Test, string Model,
    string Augmentation, int? Epochs)
{
    private const string Tiny = StartingPoint.Tiny;
    private const double ValidationShare = 0.15, TestShare = 0.2;

    /// <summary>Omniglot's official one-shot runs, which take the place of a test part; null for other data.</summary>
    public IReadOnlyList<OmniglotRun>? OneShot { get; private init; }

    /// <summary>What <see cref="OneShot"/> holds: the official <c>runs</c>, or runs for <c>val</c>idation.</summary>
    public string OneShotPart { get; private init; } = "runs";

    /// <summary>Draws one-shot runs of characters that are neither trained on nor tested; null where there are none.</summary>
    private Func<IReadOnlyList<OmniglotRun>>? OneShotValidation { get; init; }

    /// <summary>Group of near twins of a label; null where it is not known.</summary>
    public Func<int, int>? TwinGroupOf { get; private init; }

    /// <summary>Whether model and weights are chosen by what is at hand, where none are named: <see cref="StartingPoint"/>.</summary>
    public bool ChoosesStart { get; private init; }

    /// <summary>Makes the batches in place of the recipe's sampler; null: the recipe's.</summary>
    public Func<IImageDataset, ISampler>? OwnSampler { get; init; }

    /// <summary>How images were divided here; null for data that come with all parts.</summary>
    public Splits? Splits { get; init; }

    /// <summary>Images that came after the division was saved and are in no part.</summary>
    public int Unlisted { get; private init; }

    /// <summary>Warnings in words, about what was tolerated.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>Opens the data of a recipe.</summary>
    /// <param name="recipe">Names the data, the seed of the division and the labels kept.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="splits">A saved division to use again; null draws one.</param>
    /// <param name="given">Images that take the place of the recipe's data; null: none.</param>
    /// <param name="listed">The recipe's images before they are divided, where they have been listed already.</param>
    /// <exception cref="SchaneException">The data are missing, damaged or too few.</exception>
    public static DataSetup Open(Recipe recipe, string? dataRoot, Splits? splits = null, TrainingData? given = null,
        IImageDataset? listed = null)
    {
        given?.Check();
        var setup = given is null ? Named(recipe, dataRoot, splits, listed)
            : new(given.Train, given.Validation, given.Test, Tiny, "light", null);
        LabelSetChoice.Check(recipe, setup);
        if (recipe.Exclude is not null || recipe.Relabel is not null)
            setup = setup.Edited(LabelEdits.Load(recipe.Exclude, recipe.Relabel));
        if (recipe.Imbalance is { } ratio)
            setup = setup with { Train = Subset.LongTail(setup.Train, ratio, recipe.Seed) };
        return recipe.LabelsPerClass is { } labels ? setup with { Train = Subset.PerClass(setup.Train, labels, recipe.Seed) } : setup;
    }

    /// <summary>The same with the images to train on that have pseudo-labels. Only training needs them.</summary>
    /// <exception cref="SchaneException">The list or its folder can't be read or don't fit, or a setting is of neither.</exception>
    public DataSetup WithPseudoLabels(Recipe recipe, string? dataRoot)
    {
        if (recipe.Unlabelled is null && (recipe.PseudoLabels ?? (object?)recipe.PseudoPrecision) is not null)
            throw new SchaneException($"{(recipe.PseudoLabels is null ? "pseudo-precision" : "pseudo-labels")} is of images without " +
                "labels; name their folder with unlabelled.");
        return recipe.PseudoLabels is not { } list ? this : this with
        {
            Train = new JoinedImages(Train, PseudoLabels.Load(list, PseudoLabels.Folder(recipe.Unlabelled!, dataRoot), Train.Classes,
                OptionsOf(recipe).Limits)),
        };
    }

    /// <summary>The sentence with which training refuses the data of a recipe; null where it takes them.</summary>
    public static string? Refusal(Recipe recipe, string? dataRoot)
    {
        try
        {
            Open(recipe, dataRoot).RequireOthers(recipe);
            return null;
        }
        catch (SchaneException e)
        {
            return e.Message;
        }
    }

    /// <summary>Refuses to train where nothing would be left to measure on but the training images themselves.</summary>
    /// <exception cref="SchaneException">Each class has one image alone.</exception>
    public void RequireOthers(Recipe recipe)
    {
        if (Splits is not null && Validation is null && Test is null && OneShot is null && recipe.NoRefit != false)
            throw Splits.OneOfEach(Train, recipe.GroupBy is not null);
    }

    private static DataSetup Named(Recipe recipe, string? dataRoot, Splits? splits, IImageDataset? listed)
    {
        if (recipe.Folds is not null && recipe.Data.Split(':')[0] is "lookalikes" or "omniglot")
            throw new SchaneException($"'{recipe.Data}' comes divided into parts, so folds can't be drawn; leave out --folds, or name a " +
                "folder that is not divided.");
        return recipe.Data switch
        {
            "lookalikes" => Lookalikes(LookalikesPart.Train, LookalikesPart.Validation, LookalikesPart.Test, epochs: 40),
            "lookalikes:base" => Lookalikes(LookalikesPart.Base, LookalikesPart.BaseValidation, LookalikesPart.BaseValidation, epochs: 12),
            var spec when spec.Split(':')[0] == "omniglot" => Omniglot((OmniglotDataset)DatasetCatalog.Open(spec, dataRoot), dataRoot),
            var spec => Divided(DividedData.Open(spec, ValidationShare, TestShare, recipe.Seed, splits, dataRoot, OptionsOf(recipe),
                recipe.Folds, recipe.GroupBy, refit: recipe.NoRefit == false, listed)),
        };
    }

    /// <summary>How a recipe reads folders and lists.</summary>
    public static FolderOptions OptionsOf(Recipe recipe) => new()
    {
        Top = (recipe.Parts, recipe.Classes) switch
        {
            (true, true) => throw new SchaneException("parts and classes are both set; the top folders are one of them."),
            (true, _) => TopFolders.Parts,
            (_, true) => TopFolders.Classes,
            _ => TopFolders.Told,
        },
        PathColumn = recipe.PathColumn,
        LabelColumn = recipe.LabelColumn,
        SplitColumn = recipe.SplitColumn,
        MultiLabel = recipe.MultiLabel,
        Limits = recipe.MaxMegapixels is { } millions ? new() { MaxPixels = millions * 1_000_000L } : ImageLimits.Default,
    };

    /// <summary>The same with a warning where images that are measured look like images that are trained on, or where that takes
    /// too long to find out.</summary>
    /// <param name="stop">Stops looking.</param>
    /// <param name="files">Remembers what was read.</param>
    public DataSetup WarnOfCopies(PartFiles files, CancellationToken stop) =>
        Splits is not null && PartCopies.Warning(Train, Validation, Test, files.Comparing, files, stop) is { } warning
            ? this with { Warnings = [.. Warnings, warning] } : this;

    /// <summary>The same with warnings of what can't be read and is left out, and of what was seen in the files.</summary>
    /// <param name="onBadImage">What to do about files that can't be read.</param>
    /// <param name="stop">Stops looking.</param>
    /// <param name="files">What was read already.</param>
    /// <exception cref="SchaneException">A file can't be read and such are not to be skipped, or none of a part can be read.</exception>
    public DataSetup Opened(OnBadImage onBadImage, PartFiles files, CancellationToken stop) =>
        this with
        {
            Warnings = [.. Warnings,
                .. files.Check([("test", Test), ("validation", Validation), ("training", Train)], onBadImage, stop)],
        };

    /// <summary>The same with the test part out of reach: what settings are chosen on.</summary>
    /// <exception cref="SchaneException">There is nothing but the test part to measure on.</exception>
    public DataSetup ForSelection() => Validation is not null ? this with { Test = null, OneShot = null }
        : OneShotValidation is { } draw ? this with { OneShot = draw(), OneShotPart = "val" }
        : throw new SchaneException(
            $"{Train.Name} has no validation part, so settings can't be chosen without touching the test; name data with a val " +
            $"part{(OneShot is null ? "" : ", or omniglot:small1 or omniglot:small2, whose validation is the other's alphabets")}.");

    /// <summary>The same without some of the training images, which take the place of the test part.</summary>
    /// <param name="heldOut">Their names.</param>
    public DataSetup HoldingOut(IReadOnlySet<string> heldOut) => this with
    {
        Train = new Subset(Train, [.. Enumerable.Range(0, Train.Count).Where(i => !heldOut.Contains(Train.NameOf(i)))]),
        Test = new Subset(Train, [.. Enumerable.Range(0, Train.Count).Where(i => heldOut.Contains(Train.NameOf(i)))]),
        OneShot = null,
    };

    /// <summary>What is trained and chosen on after <paramref name="edits"/>; the test part stays as it is, so that
    /// figures can be compared.</summary>
    private DataSetup Edited(LabelEdits edits)
    {
        static IEnumerable<string> Names(IImageDataset? part) => part is null ? [] : Enumerable.Range(0, part.Count).Select(part.NameOf);
        var (own, tested) = (Names(Train).Concat(Names(Validation)).ToHashSet(), Names(Test).ToHashSet());
        edits.Check(Train.Classes, own.Union(tested).ToHashSet());
        var untouched = edits.Excluded.Keys.Concat(edits.Relabelled.Keys).Count(name => !own.Contains(name));
        var train = edits.Apply(Train);
        if (train.Count == 0)
            throw new SchaneException("The list to exclude names every training image; leave some.");
        return this with
        {
            Train = train,
            Validation = Validation is null ? null : edits.Apply(Validation),
            Warnings = untouched == 0 ? Warnings : [.. Warnings, $"{untouched} {(untouched == 1 ? "image" : "images")} of the lists " +
                $"{(untouched == 1 ? "is" : "are")} for the test, which stays as it is."],
        };
    }

    /// <summary>Data to measure on only.</summary>
    public static DataSetup ForTest(IImageDataset test) => new(test, null, test, Tiny, "none", null);

    /// <summary>Identifies the training images by name and label, so that a resumed run can tell that they are the same.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < Train.Count; i++)
            hash.AppendData(Encoding.UTF8.GetBytes($"{Train.NameOf(i)}\0{string.Join(',', Train.LabelsOf(i))}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static DataSetup Lookalikes(LookalikesPart train, LookalikesPart validation, LookalikesPart test, int epochs)
    {
        var images = new LookalikesDataset(train);
        return new(new CachedDataset(images), new LookalikesDataset(validation), new LookalikesDataset(test), Tiny, "light", epochs)
        { TwinGroupOf = images.TwinGroupOf };
    }

    private static DataSetup Omniglot(OmniglotDataset drawings, string? dataRoot) =>
        new(new CachedDataset(drawings), null, null, "convnet4", "omniglot", null)
        {
            OneShot = OmniglotRuns.Load(dataRoot),
            OneShotValidation = drawings.Name is "omniglot:small1" or "omniglot:small2" ? () => OtherAlphabets(drawings, dataRoot) : null,
        };

    // The two sets share alphabets; those are left out, so that what is chosen on is new to the model, as the test is.
    private static IReadOnlyList<OmniglotRun> OtherAlphabets(OmniglotDataset trained, string? dataRoot)
    {
        var other = OmniglotDataset.Background(trained.Name == "omniglot:small1" ? "small2" : "small1", rotations: false, dataRoot);
        return OmniglotRuns.Draw(other.Only([.. other.Alphabets.Except(trained.Alphabets)]), runsPerAlphabet: 20, seed: 0);
    }

    private static DataSetup Divided(DividedData data) =>
        new(CachedDataset.Around(data.Train), data.Validation, data.Test, Tiny, "light", null)
        {
            ChoosesStart = true,
            Splits = data.Splits,
            Warnings = data.Warnings,
            Unlisted = data.Unlisted,
        };
}
