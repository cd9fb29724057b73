using System.Security.Cryptography;
using System.Text;
using Schane.Data;
using Schane.Data.Sets;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>The parts of a data set that a run uses, and what suits it where the recipe is silent.</summary>
/// <param name="Train">Images to train on.</param>
/// <param name="Validation">Images looked at during training; null for none.</param>
/// <param name="Test">Images of the same classes, measured at the end; null for none.</param>
/// <param name="Model">Default model.</param>
/// <param name="Augmentation">Default transform preset.</param>
/// <param name="Epochs">Default epochs; null: what the budget holds.</param>
internal sealed record DataSetup(IImageDataset Train, IImageDataset? Validation, IImageDataset? Test, string Model, string Augmentation, int? Epochs)
{
    private const string Tiny = "schane_tiny";
    private const double ValidationShare = 0.15, TestShare = 0.2;

    /// <summary>Omniglot's official one-shot runs, which take the place of a test part; null for other data.</summary>
    public IReadOnlyList<OmniglotRun>? OneShot { get; private init; }

    /// <summary>Group of near twins of a label; null where nobody knows.</summary>
    public Func<int, int>? TwinGroupOf { get; private init; }

    /// <summary>How images were divided here; null for data that come with all parts.</summary>
    public Splits? Splits { get; private init; }

    /// <summary>Images that came after the division was saved and are in no part.</summary>
    public int Unlisted { get; private init; }

    /// <summary>Sentences for people about what was let pass.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>Opens the data of a recipe.</summary>
    /// <param name="recipe">Names the data, the seed of the division and the labels kept.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="splits">A saved division to use again; null draws one.</param>
    /// <exception cref="SchaneException">The data are missing, damaged or too few.</exception>
    public static DataSetup Open(Recipe recipe, string? dataRoot, Splits? splits = null)
    {
        if (recipe.Folds is not null && recipe.Data.Split(':')[0] is "lookalikes" or "omniglot")
            throw new SchaneException($"'{recipe.Data}' comes divided into parts, so folds can't be drawn; leave out --folds, or name a folder that is not divided.");
        var setup = recipe.Data switch
        {
            "lookalikes" => Lookalikes(LookalikesPart.Train, LookalikesPart.Validation, LookalikesPart.Test, epochs: 40),
            "lookalikes:base" => Lookalikes(LookalikesPart.Base, LookalikesPart.BaseValidation, LookalikesPart.BaseValidation, epochs: 12),
            var spec when spec.Split(':')[0] == "omniglot" => Omniglot((OmniglotDataset)DatasetCatalog.Open(spec, dataRoot), dataRoot),
            var spec => Divided(DividedData.Open(spec, ValidationShare, TestShare, recipe.Seed, splits, dataRoot, OptionsOf(recipe), recipe.Folds, recipe.GroupBy)),
        };
        if (recipe.Imbalance is { } ratio)
            setup = setup with { Train = Subset.LongTail(setup.Train, ratio, recipe.Seed) };
        return recipe.LabelsPerClass is { } labels ? setup with { Train = Subset.PerClass(setup.Train, labels, recipe.Seed) } : setup;
    }

    private static FolderOptions? OptionsOf(Recipe recipe) =>
        recipe.MaxMegapixels is { } millions ? new() { Limits = new() { MaxPixels = millions * 1_000_000L } } : null;

    /// <summary>The same with a warning where pictures that are measured look like pictures that are trained on.</summary>
    /// <param name="stop">Stops looking.</param>
    public DataSetup WarnOfCopies(CancellationToken stop) =>
        Splits is not null && PartCopies.Warning(Train, Validation, Test, stop) is { } warning ? this with { Warnings = [.. Warnings, warning] } : this;

    /// <summary>Data to measure on only.</summary>
    public static DataSetup ForTest(IImageDataset test) => new(test, null, test, Tiny, "none", null);

    /// <summary>Identifies the training images by name and label, so that a resumed run can tell that they are the same.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < Train.Count; i++)
            hash.AppendData(Encoding.UTF8.GetBytes($"{Train.NameOf(i)}\0{Train.LabelOf(i)}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static DataSetup Lookalikes(LookalikesPart train, LookalikesPart validation, LookalikesPart test, int epochs)
    {
        var images = new LookalikesDataset(train);
        return new(new CachedDataset(images), new LookalikesDataset(validation), new LookalikesDataset(test), Tiny, "light", epochs) { TwinGroupOf = images.TwinGroupOf };
    }

    private static DataSetup Omniglot(OmniglotDataset drawings, string? dataRoot) =>
        new(new CachedDataset(drawings), null, null, "convnet4", "omniglot", null) { OneShot = OmniglotRuns.Load(dataRoot) };

    private static DataSetup Divided(DividedData data) =>
        new(CachedDataset.Around(data.Train), data.Validation, data.Test, Tiny, "light", null) { Splits = data.Splits, Warnings = data.Warnings, Unlisted = data.Unlisted };
}
