using System.Globalization;
using Schane.Data;
using Schane.Evaluation;
using Schane.Jobs;
using Schane.Jobs.Labels;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tensors;

namespace Schane.Benchmarks.Labels;

/// <summary>How many of 5 % flipped labels are found, and is that at least as good as the confident-learning rule on the same
/// out-of-fold classifiers? Look-alikes; or, of the data that are named, the probe on the default weights.</summary>
internal static class LabelErrorsFound
{
    private const double Flipped = 0.05;

    public static int Run(string[] arguments)
    {
        string? Option(string name) => Array.IndexOf(arguments, name) is var at and >= 0 ? arguments[at + 1] : null;
        var (epochs, seeds) = (int.Parse(Option("--epochs") ?? "15", CultureInfo.InvariantCulture),
            int.Parse(Option("--seeds") ?? "3", CultureInfo.InvariantCulture));
        var recipe = Option("--data") is { } data ? new Recipe { Data = data, InputSize = 112, Steps = 0, NoThumbnails = true } : new Recipe
        {
            Data = "lookalikes", Epochs = epochs, Loss = LossRegistry.Find(Option("--loss") ?? "schane"),
            Precision = Precision.Float32, Threads = 1
        };
        var folder = Directory.CreateTempSubdirectory("schane-labels-");
        try
        {
            for (var seed = 0; seed < seeds; seed++)
            {
                var images = DataSetup.Open(recipe, null).Train;
                var wrong = Flip(images, seed, out var list);
                var file = Path.Combine(folder.FullName, $"flips-{seed}.csv");
                File.WriteAllText(file, list);
                var (run, _) = TrainJob.Run(recipe with { Relabel = file, Seed = seed },
                    new() { Folder = Path.Combine(folder.FullName, $"run-{seed}") });
                var found = LabelErrorsJob.Run(run.Root);
                var flagged = found.ConfidentLearning.Rows.Take(found.ConfidentLearning.Flagged).ToList();
                double Right(IEnumerable<int> rows) => rows.Count(wrong.Contains);
                var candidates = found.Candidates.Select(c => Enumerable.Range(0, images.Count).First(i => images.NameOf(i) == c.Path))
                    .ToList();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {wrong.Count} of {images.Count} labels " +
                    $"flipped, {found.WrongRate:P1} expected, {(double)found.Agreed / found.Judged:P1} agreed with; " +
                    $"average precision {LabelErrors.AveragePrecision(found.Ranked, wrong.Contains):F3}, confident learning " +
                    $"{LabelErrors.AveragePrecision(found.ConfidentLearning.Rows, wrong.Contains):F3}; candidates {candidates.Count}: " +
                    $"precision {Right(candidates) / Math.Max(1, candidates.Count):F2}, recall {Right(candidates) / wrong.Count:F2}; " +
                    $"flagged {flagged.Count}: precision {Right(flagged) / Math.Max(1, flagged.Count):F2}, recall " +
                    $"{Right(flagged) / wrong.Count:F2}"));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    /// <summary>Gives 5 % of the images another label, any with the same chance.</summary>
    private static HashSet<int> Flip(IImageDataset images, int seed, out string list)
    {
        var random = new SampleRandom(seed, 5);
        int[] order = [.. Enumerable.Range(0, images.Count)];
        random.Shuffle<int>(order);
        int[] chosen = order[..(int)Math.Round(Flipped * images.Count)];
        list = "path,label\n";
        foreach (var image in chosen)
        {
            var other = (images.LabelOf(image) + 1 + random.Below(images.Classes.Count - 1)) % images.Classes.Count;
            list += $"{images.NameOf(image)},{images.Classes[other]}\n";
        }
        return [.. chosen];
    }
}
