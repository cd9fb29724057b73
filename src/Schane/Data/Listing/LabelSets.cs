namespace Schane.Data.Listing;

/// <summary>The labels of images that may have several.</summary>
internal static class LabelSets
{
    /// <summary>What stands between the labels of a text.</summary>
    private static readonly char[] Between = [';', '|'];

    /// <summary>The labels that a text names, with <c>;</c> or <c>|</c> between; the text as it is where it names none so.</summary>
    public static IReadOnlyList<string> Of(string text) =>
        text.Split(Between, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 1 } several ? several
            : text.AsSpan().IndexOfAny(Between) >= 0 ? [text.Trim([.. Between, ' '])] : [text];

    /// <summary>The rarest label of each image, the first of equals: by it images are divided, so that rare classes reach every
    /// part.</summary>
    public static int[] Rarest(IReadOnlyList<int[]> sets)
    {
        var images = sets.SelectMany(set => set).CountBy(label => label).ToDictionary();
        return [.. sets.Select(set => set.MinBy(label => (images[label], label)))];
    }

    /// <summary>The sentence about images of several classes; null where each has one.</summary>
    /// <param name="sets">Labels of each image.</param>
    /// <param name="classes">Class names.</param>
    /// <param name="nameOf">Name of an image.</param>
    public static string? Sentence(IReadOnlyList<int[]> sets, IReadOnlyList<string> classes, Func<int, string> nameOf)
    {
        int[] several = [.. Enumerable.Range(0, sets.Count).Where(i => sets[i].Length > 1)];
        return several.Length == 0 ? null : $"{several.Length:N0} of {sets.Count:N0} images have several classes " +
            $"('{Printable.Short(nameOf(several[0]))}' first: {string.Join(", ", sets[several[0]].Take(5)
                .Select(label => $"'{Printable.Short(classes[label])}'"))}), so each class is a yes or no of its own; multi-label false " +
            "takes labels as they are written.";
    }

    /// <summary>Refuses several labels where one is asked for.</summary>
    public static SchaneException Refused(string where, IReadOnlyList<string> labels) =>
        new($"{where} has {labels.Count} labels, {string.Join(" and ", labels.Take(2).Select(l => $"'{Printable.Short(l)}'"))}" +
            $"{(labels.Count > 2 ? " first" : "")}, but multi-label is false; leave it out, or give the image one label.");
}
