using System.Text.RegularExpressions;

namespace Schane.Planning;

/// <summary>Says where a model has seen the classes before that it is to be measured on as new ones.</summary>
internal static partial class Overlaps
{
    private const int NamesShown = 3;

    /// <summary>Data sets whose classes ImageNet covers: the first four are cut from it, CUB's birds and Pets' breeds are among its classes
    /// and in part its images.</summary>
    private static readonly string[] InImageNet = ["mini-imagenet", "tiered-imagenet", "imagenet", "cub", "pets"];

    /// <summary>CIFAR-100 is what these are cut from.</summary>
    private static readonly string[] InCifar100 = ["cifar-fs", "fc100", "cifar100"];

    /// <param name="seen">Classes the model's run was trained on.</param>
    /// <param name="weights">Weights it began from; null where a run says nothing of them.</param>
    /// <param name="name">Name of the data set that the classes are of.</param>
    /// <param name="classes">The classes to be told apart.</param>
    public static IReadOnlyList<string> Of(IReadOnlyList<string> seen, string? weights, string name, IReadOnlyList<string> classes)
    {
        List<string> found = [];
        string[] both = [.. seen.Intersect(classes, StringComparer.OrdinalIgnoreCase)];
        if (both.Length > 0)
            found.Add($"{both.Length} of the {classes.Count} classes were trained on " +
                $"({string.Join(", ", both.Take(NamesShown).Select(Printable.Escape))}{(both.Length > NamesShown ? ", …" : "")}): this " +
                "does not measure new classes.");
        var data = name.Split(':')[0];
        if (weights is not null && ImageNetTag().IsMatch(weights) && InImageNet.Contains(data))
            found.Add($"The weights '{Printable.Escape(weights)}' were trained on ImageNet, which covers the classes of {data}: this " +
                "does not measure new classes.");
        if (weights is not null && weights.Contains("cifar100", StringComparison.OrdinalIgnoreCase) && InCifar100.Contains(data))
            found.Add($"The weights '{Printable.Escape(weights)}' were trained on CIFAR-100, which covers the classes of {data}: this " +
                "does not measure new classes.");
        return found;
    }

    [GeneratedRegex(@"(?<![a-z0-9])(in1k|in12k|in21k|in22k|imagenet|DnnImageFeaturizer)(?![a-z0-9])", RegexOptions.IgnoreCase)]
    private static partial Regex ImageNetTag();
}
