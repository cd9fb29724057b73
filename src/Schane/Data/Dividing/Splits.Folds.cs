using System.Globalization;
using System.Text.Json.Serialization;
using Schane.Tensors;

namespace Schane.Data.Dividing;

internal sealed partial record Splits
{
    /// <summary>
    /// All images for training, and the folds that measure what is trained so: each class is dealt out as by <see cref="Fold"/>, one with
    /// fewer images than folds to as many folds. The only image of a class is in none, since nothing that was trained without it knows the
    /// class.
    /// </summary>
    /// <param name="dataset">The images.</param>
    /// <param name="mostFolds">How many folds, at least 2; fewer where no class has so many images, or groups.</param>
    /// <param name="seed">Key of the draw.</param>
    /// <param name="groupOf">Images of one group stay in one fold. Null: each image is alone.</param>
    /// <exception cref="SchaneException">No class has two images, or groups.</exception>
    internal static Splits WithFolds(IImageDataset dataset, int mostFolds, long seed, Func<string, string>? groupOf = null)
    {
        Require.AtLeast(mostFolds, 2, nameof(mostFolds));
        var dealt = Dealt(dataset, seed, groupOf).ToList();
        var folds = Math.Min(mostFolds, dealt.Max(own => own.Groups.Length));
        if (folds < 2)
            throw OneOfEach(dataset, groupOf is not null);
        var parts = Enumerable.Range(0, folds).ToDictionary(fold => $"{FoldPrefix}{fold + 1}", _ => (IReadOnlyList<int>)new List<int>());
        foreach (var (label, groups) in dealt.Where(own => own.Groups.Length > 1))
            for (var i = 0; i < groups.Length; i++)
                ((List<int>)parts[$"{FoldPrefix}{FoldOf(i, label, folds) + 1}"]).AddRange(groups[i]);
        foreach (var held in parts.Values)
            ((List<int>)held).Sort();
        parts["train"] = [.. Enumerable.Range(0, dataset.Count)];
        return Named(dataset, seed, parts);
    }

    /// <summary>A model of data without a second image of any class can't be measured.</summary>
    internal static SchaneException OneOfEach(IImageDataset dataset, bool groups) =>
        new($"{Printable.Escape(dataset.Name)} has one {(groups ? "group of images" : "image")} of each class, so a model that is " +
            "trained on it can't be measured on others; add a second one to at least one class.");

    /// <summary>The images of each fold of <see cref="WithFolds"/>; none where data were divided otherwise.</summary>
    [JsonIgnore]
    internal IReadOnlyList<IReadOnlyList<string>> Folds => [.. Parts
        .Where(part => part.Key.StartsWith(FoldPrefix, StringComparison.Ordinal))
        .OrderBy(part => int.Parse(part.Key.AsSpan(FoldPrefix.Length), CultureInfo.InvariantCulture)).Select(part => part.Value)];

    private const string FoldPrefix = "fold-";

    /// <summary>The groups of each class in random order.</summary>
    private static IEnumerable<(int Label, int[][] Groups)> Dealt(IImageDataset dataset, long seed, Func<string, string>? groupOf)
    {
        foreach (var @class in GroupsOf(dataset, groupOf).GroupBy(g => dataset.LabelOf(g[0])).OrderBy(c => c.Key))
        {
            var groups = @class.ToArray();
            new SampleRandom(seed, @class.Key).Shuffle<int[]>(groups);
            yield return (@class.Key, groups);
        }
    }

    /// <summary>Where the deal starts differs by class, so that the remainders of many classes don't all fall to the first folds.</summary>
    private static int FoldOf(int place, int label, int folds) => (place + label) % folds;
}
