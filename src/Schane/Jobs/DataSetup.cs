using System.Security.Cryptography;
using System.Text;
using Schane.Data;
using Schane.Data.Sets;
using Schane.Tensors;
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

    /// <summary>How a folder's images were divided; null for data that come divided.</summary>
    public Splits? Splits { get; private init; }

    /// <summary>Sentences for people about what was let pass.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>Opens the data of a recipe.</summary>
    /// <param name="recipe">Names the data, the seed of the division and the labels kept.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="splits">A saved division to use again; null draws one.</param>
    /// <exception cref="SchaneException">The data are missing, damaged or too few.</exception>
    public static DataSetup Open(Recipe recipe, string? dataRoot, Splits? splits = null)
    {
        var setup = recipe.Data switch
        {
            "lookalikes" => Lookalikes(LookalikesPart.Train, LookalikesPart.Validation, LookalikesPart.Test, epochs: 40),
            "lookalikes:base" => Lookalikes(LookalikesPart.Base, LookalikesPart.BaseValidation, LookalikesPart.BaseValidation, epochs: 12),
            _ => DatasetCatalog.Open(recipe.Data, dataRoot) switch
            {
                ImageFolder folder => Folder(folder, splits, recipe.Seed),
                OmniglotDataset omniglot => Omniglot(omniglot, dataRoot),
                var other => throw new SchaneException($"'{other.Name}' is only a part to evaluate on; train on lookalikes, lookalikes:base, omniglot:small1, omniglot:small2 or a folder."),
            },
        };
        return recipe.LabelsPerClass is { } labels ? setup with { Train = Few(setup.Train, labels, recipe.Seed) } : setup;
    }

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

    private static DataSetup Folder(ImageFolder folder, Splits? saved, int seed)
    {
        var splits = saved ?? (folder.Parts.Count > 0 ? Splits.Of(folder, ValidationShare, seed) : Splits.Stratified(folder, ValidationShare, TestShare, seed));
        IImageDataset? Part(string name) => splits.Parts.TryGetValue(name, out var images) && images.Count > 0 ? splits.Part(folder, name) : null;
        return new(new CachedDataset(Part("train")!), Part("val"), Part("test"), Tiny, "light", null) { Splits = splits, Warnings = folder.Warnings };
    }

    private static Subset Few(IImageDataset images, int labelsPerClass, int seed)
    {
        var kept = new List<int>();
        foreach (var group in Enumerable.Range(0, images.Count).GroupBy(images.LabelOf).OrderBy(g => g.Key))
        {
            var order = group.ToArray();
            new SampleRandom(seed, group.Key).Shuffle<int>(order);
            kept.AddRange(order.Take(labelsPerClass).Order());
        }
        return new Subset(images, kept);
    }
}
