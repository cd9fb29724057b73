using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;
using Schane.Data.Reading;
using Schane.Tensors;

namespace Schane.Data.Dividing;

/// <summary>
/// Which images of a data set are for training, validation and test, by name: saved beside a run, so that it can be evaluated on the very
/// images it has not seen, on another machine too.
/// </summary>
internal sealed partial record Splits
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Version of the file's form.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Name of the data set.</summary>
    public required string Dataset { get; init; }

    /// <summary>What the draw was keyed by; null where the data set came divided.</summary>
    public long? Seed { get; init; }

    /// <summary>Names of images for each part: <c>train</c>, <c>val</c>, <c>test</c>.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Parts { get; init; }

    /// <summary>How much of the input is not used, by reason; null where all is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? NotUsed { get; init; }

    /// <summary>The division a folder came with; where it has no <c>val</c>, that share of <c>train</c> is drawn.</summary>
    /// <exception cref="SchaneException">The folder isn't divided.</exception>
    public static Splits Of(ImageFolder folder, double validation = 0.15, long seed = 0) => Of(folder, folder.PartOf, validation, seed);

    /// <summary>The division that each image's part gives; where there is no <c>val</c>, that share of <c>train</c> is drawn.</summary>
    /// <exception cref="SchaneException">No image is for training.</exception>
    internal static Splits Of(IImageDataset dataset, Func<int, string?> partOf, double validation, long seed,
        Func<string, string>? groupOf = null)
    {
        var parts = Enumerable.Range(0, dataset.Count).Where(i => partOf(i) is not null).GroupBy(i => partOf(i)!)
            .ToDictionary(g => g.Key, g => (IReadOnlyList<int>)[.. g]);
        if (!parts.TryGetValue("train", out var whole))
            throw new SchaneException($"{Printable.Escape(dataset.Name)} has no images to train on: its parts are " +
                $"{string.Join(", ", parts.Keys.Select(Printable.Escape))}. Call one of them train.");
        if (parts.ContainsKey("val") || validation == 0)
            return Named(dataset, null, parts);
        var drawn = Draw(new Subset(dataset, whole), validation, 0, seed, groupOf);
        parts["train"] = [.. drawn["train"].Select(i => whole[i])];
        parts["val"] = [.. drawn["val"].Select(i => whole[i])];
        return Named(dataset, seed, parts);
    }

    /// <summary>
    /// A random division class by class. From two images on a class has one in <c>val</c>, from three on one in <c>test</c>, where these
    /// have a share at all; one image is for training.
    /// </summary>
    /// <param name="dataset">The images.</param>
    /// <param name="validation">Share of each class for <c>val</c>, 0 to 0.9.</param>
    /// <param name="test">Share of each class for <c>test</c>, 0 to 0.9.</param>
    /// <param name="seed">Same seed and names, same division, whatever the order of the files.</param>
    /// <param name="groupOf">Images of one group stay in one part: images of the same thing, frames of one film.
    /// Null: each image is alone.</param>
    public static Splits Stratified(IImageDataset dataset, double validation, double test, long seed, Func<string, string>? groupOf = null)
    {
        Require.InRange(validation, 0, 0.9, nameof(validation));
        Require.InRange(test, 0, 0.9, nameof(test));
        Require.InRange(validation + test, 0, 0.9, "validation + test");
        return Named(dataset, seed, Draw(dataset, validation, test, seed, groupOf));
    }

    /// <summary>
    /// As <see cref="Stratified"/>, but <c>test</c> is the same whatever the seed, which divides the rest: what settings are tuned on with
    /// one seed is not what a run of another is tested on.
    /// </summary>
    internal static Splits WithOneTest(IImageDataset dataset, double validation, double test, long seed,
        Func<string, string>? groupOf = null)
    {
        var first = Stratified(dataset, validation, test, seed: 0, groupOf);
        if (seed == 0 || test == 0)
            return test == 0 ? Stratified(dataset, validation, test, seed, groupOf) : first;
        var tested = first.Parts["test"].ToHashSet();
        int[] rest = [.. Enumerable.Range(0, dataset.Count).Where(i => !tested.Contains(dataset.NameOf(i)))];
        var parts = Draw(new Subset(dataset, rest), validation / (1 - test), 0, seed, groupOf)
            .ToDictionary(part => part.Key, part => (IReadOnlyList<int>)[.. part.Value.Select(i => rest[i])]);
        parts["test"] = [.. Enumerable.Range(0, dataset.Count).Where(i => tested.Contains(dataset.NameOf(i)))];
        return Named(dataset, seed, parts);
    }

    /// <summary>Whether images of a part may be gone from the data set.</summary>
    [JsonIgnore]
    internal bool AllowsMissing { get; init; }

    /// <summary>
    /// One fold of a stratified cross-validation: each class is dealt out to the folds in random order, one fold is <c>test</c>, a share of
    /// the rest <c>val</c>. Over all folds of a seed every image is tested once.
    /// </summary>
    /// <param name="dataset">The images.</param>
    /// <param name="folds">How many, at least 2.</param>
    /// <param name="fold">Which is tested, 0 to <paramref name="folds"/> − 1.</param>
    /// <param name="validation">Share of the images that are not tested for <c>val</c>, 0 to 0.9.</param>
    /// <param name="seed">Key of the draw.</param>
    /// <param name="groupOf">Images of one group stay in one part. Null: each image is alone.</param>
    /// <exception cref="SchaneException">A class has fewer images, or groups, than there are folds, so that it would not be
    /// trained or tested in one.</exception>
    public static Splits Fold(IImageDataset dataset, int folds, int fold, double validation, long seed,
        Func<string, string>? groupOf = null)
    {
        Require.AtLeast(folds, 2, nameof(folds));
        Require.InRange(fold, 0, folds - 1, nameof(fold));
        List<int> rest = [], tested = [];
        foreach (var (label, groups) in Dealt(dataset, seed, groupOf))
        {
            if (groups.Length < folds)
                throw new SchaneException($"{folds} folds need {folds} {(groupOf is null ? "images" : "groups")} of each class, but " +
                    $"'{Printable.Escape(dataset.Classes[label])}' of {Printable.Escape(dataset.Name)} has {groups.Length}; take " +
                    "fewer folds or add images.");
            for (var i = 0; i < groups.Length; i++)
                (FoldOf(i, label, folds) == fold ? tested : rest).AddRange(groups[i]);
        }
        var drawn = Draw(new Subset(dataset, [.. rest.Order()]), validation, 0, seed, groupOf);
        rest.Sort();
        var parts = drawn.ToDictionary(part => part.Key, part => (IReadOnlyList<int>)[.. part.Value.Select(i => rest[i])]);
        parts["test"] = [.. tested.Order()];
        return Named(dataset, seed, parts);
    }

    /// <summary>Reads a saved division.</summary>
    /// <exception cref="SchaneException">Missing, damaged, or of a later version.</exception>
    public static Splits Load(string path)
    {
        try
        {
            var splits = JsonSerializer.Deserialize<Splits>(File.ReadAllBytes(path), Json)!;
            return splits.Version == 1 ? splits
                : throw new SchaneException(
                    $"'{Printable.Escape(path)}' has version {splits.Version}; this Schane reads version 1. Use the Schane that wrote it.");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"The splits '{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)}", e);
        }
    }

    /// <summary>Saves the division as JSON.</summary>
    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>The images of a part, in the order of the data set.</summary>
    /// <exception cref="SchaneException">There is no such part, or an image of it is not in the data set.</exception>
    public Subset Part(IImageDataset dataset, string part)
    {
        if (!Parts.TryGetValue(part, out var names))
            throw new SchaneException($"The splits of {Printable.Escape(Dataset)} have the parts {string.Join(", ", Parts.Keys)} but no " +
                $"'{Printable.Escape(part)}'.");
        var wanted = names.ToHashSet();
        List<int> indices = [.. Enumerable.Range(0, dataset.Count).Where(i => wanted.Remove(dataset.NameOf(i)))];
        return wanted.Count == 0 || AllowsMissing ? new(dataset, indices, $"{dataset.Name}/{part}")
            : throw new SchaneException($"{wanted.Count} images of the splits are not in {Printable.Escape(dataset.Name)}, " +
                $"'{Printable.Escape(wanted.Min(StringComparer.Ordinal)!)}' among them. Restore them or make new splits.");
    }

    private static Splits Named(IImageDataset dataset, long? seed, Dictionary<string, IReadOnlyList<int>> parts) =>
        new()
        {
            Dataset = dataset.Name, Seed = seed,
            Parts = parts.ToDictionary(p => p.Key, p => (IReadOnlyList<string>)[.. p.Value.Select(dataset.NameOf)])
        };

    /// <summary>The images by group, in order of names. A group that spans classes goes with the class of its first image;
    /// each image is in one.</summary>
    private static IEnumerable<int[]> GroupsOf(IImageDataset dataset, Func<string, string>? groupOf) =>
        Enumerable.Range(0, dataset.Count).OrderBy(dataset.NameOf, StringComparer.Ordinal)
            .GroupBy(i => groupOf?.Invoke(dataset.NameOf(i)) ?? dataset.NameOf(i)).Select(g => g.ToArray());

    private static Dictionary<string, IReadOnlyList<int>> Draw(IImageDataset dataset, double validation, double test, long seed,
        Func<string, string>? groupOf)
    {
        List<int> train = [], val = [], tested = [];
        foreach (var @class in GroupsOf(dataset, groupOf).GroupBy(g => dataset.LabelOf(g[0])).OrderBy(c => c.Key))
        {
            var order = @class.ToArray();
            new SampleRandom(seed, @class.Key).Shuffle<int[]>(order);
            var count = order.Sum(g => g.Length);
            var forVal = validation > 0 && order.Length >= 2 ? Math.Max(1, (int)Math.Round(count * validation)) : 0;
            var forTest = test > 0 && order.Length >= 3 - (forVal == 0 ? 1 : 0) ? Math.Max(1, (int)Math.Round(count * test)) : 0;
            var next = 0;
            // The last group always stays for training.
            void Fill(List<int> part, int wanted, int keep)
            {
                for (var taken = 0; taken < wanted && next < order.Length - keep; next++)
                {
                    part.AddRange(order[next]);
                    taken += order[next].Length;
                }
            }
            Fill(val, forVal, keep: forTest > 0 ? 2 : 1);
            Fill(tested, forTest, keep: 1);
            Fill(train, int.MaxValue, keep: 0);
        }
        var parts = new Dictionary<string, IReadOnlyList<int>> { ["train"] = [.. train.Order()] };
        if (validation > 0)
            parts["val"] = [.. val.Order()];
        if (test > 0)
            parts["test"] = [.. tested.Order()];
        return parts;
    }
}
