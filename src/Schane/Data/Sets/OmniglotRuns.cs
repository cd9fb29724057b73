using System.IO.Compression;
using System.Text;
using Schane.Tensors;

namespace Schane.Data.Sets;

/// <summary>One trial set of the official one-shot task: 20 characters of one alphabet, one training image each, and 20 test
/// images by another drawer.</summary>
/// <param name="Name"><c>run01</c> … <c>run20</c>.</param>
/// <param name="Training">One image per class, 105 × 105 gray, ink 255.</param>
/// <param name="Test">The images to classify.</param>
/// <param name="Truth">For each test image the index into <paramref name="Training"/> of the same character.</param>
internal sealed record OmniglotRun(string Name, IReadOnlyList<Image8> Training, IReadOnlyList<Image8> Test, IReadOnlyList<int> Truth);

/// <summary>The official within-alphabet one-shot classification task (Lake et al. 2015): 20 runs of 20-way
/// trials, 400 trials in all.</summary>
internal static class OmniglotRuns
{
    /// <summary>Reads <c>all_runs.zip</c> in place.</summary>
    /// <param name="dataRoot">Folder that holds <c>omniglot/all_runs.zip</c>; <c>$SCHANE_DATA</c> and the user's data folder
    /// are searched after it.</param>
    /// <exception cref="SchaneException">The archive is missing or damaged, or a pairing names an image that isn't there.</exception>
    public static IReadOnlyList<OmniglotRun> Load(string? dataRoot = null)
    {
        using var archive = OmniglotArchive.Open("all_runs.zip", dataRoot);
        var entries = archive.Entries.ToDictionary(e => e.FullName);
        var lists = entries.Keys.Where(k =>
            k.EndsWith("/class_labels.txt", StringComparison.Ordinal) && !k.StartsWith("__MACOSX", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).ToList();
        if (lists.Count == 0)
            throw new SchaneException("'all_runs.zip' holds no runNN/class_labels.txt.");
        return [.. lists.Select(list => Read(entries, list))];
    }

    /// <summary>Draws runs of the same form from other characters: 20 of one alphabet (all where it has fewer), an image each by one drawer
    /// to learn and by another to test.</summary>
    /// <param name="drawings">Alphabets to draw from, without rotations.</param>
    /// <param name="runsPerAlphabet">Runs of each, at least 1.</param>
    /// <param name="seed">Run r of an alphabet depends on it, on r and on the drawings alone.</param>
    internal static IReadOnlyList<OmniglotRun> Draw(OmniglotDataset drawings, int runsPerAlphabet, long seed)
    {
        const int ways = 20;
        var byClass = Enumerable.Range(0, drawings.Count).ToLookup(drawings.LabelOf);
        List<OmniglotRun> runs = [];
        foreach (var alphabet in byClass.GroupBy(c => drawings.AlphabetOf(c.Key)).OrderBy(a => a.Key))
            for (var run = 0; run < runsPerAlphabet; run++)
            {
                var random = new SampleRandom(seed, alphabet.Key, run);
                var classes = alphabet.OrderBy(c => c.Key).ToArray();
                random.Shuffle<IGrouping<int, int>>(classes);
                classes = classes[..Math.Min(ways, classes.Length)];
                int[] drawers = [.. classes[0].Select(drawings.DrawerOf).Order()];
                random.Shuffle<int>(drawers);
                Image8 By(IGrouping<int, int> character, int drawer) => drawings.Read(character.First(i => drawings.DrawerOf(i) == drawer));
                runs.Add(new($"{drawings.Alphabets[alphabet.Key]} {run + 1}", [.. classes.Select(c => By(c, drawers[0]))],
                    [.. classes.Select(c => By(c, drawers[1]))], [.. Enumerable.Range(0, classes.Length)]));
            }
        return runs;
    }

    private static OmniglotRun Read(Dictionary<string, ZipArchiveEntry> entries, string list)
    {
        var folder = list[..^"class_labels.txt".Length];                  // "run01/", or "all_runs/run01/" in some copies
        var above = folder[..(folder.TrimEnd('/').LastIndexOf('/') + 1)];
        var pairs = Encoding.ASCII.GetString(OmniglotArchive.Bytes(entries[list]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        if (pairs.Find(p => p.Length != 2) is { } odd)
            throw new SchaneException(
                $"'{list}' has the line '{Printable.Escape(string.Join(' ', odd))}'; each line names a test image and a training image.");

        List<string> training = [.. entries.Keys.Where(k => k.StartsWith($"{folder}training/", StringComparison.Ordinal)
            && k.EndsWith(".png", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Image8 Image(string path) => entries.TryGetValue(path, out var entry)
            ? new(OmniglotArchive.Side, OmniglotArchive.Side, 1, OmniglotArchive.Decode(entry))
            : throw new SchaneException($"'{list}' names '{Printable.Escape(path)}', which is not in the archive.");
        int Class(string path) => training.IndexOf(path) is var at and >= 0 ? at
            : throw new SchaneException($"'{list}' names '{Printable.Escape(path)}', which is not in the archive.");
        return new(
            folder.TrimEnd('/').Split('/')[^1],
            [.. training.Select(Image)],
            [.. pairs.Select(p => Image(above + p[0]))],
            [.. pairs.Select(p => Class(above + p[1]))]);
    }
}
