using System.Globalization;
using Schane.Data;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Evaluation.Statistics;
using Schane.Inference;
using Schane.Jobs;
using Schane.Jobs.Labels;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Labels;

/// <summary>How many of 5 % flipped labels are found, and is that at least as good as the confident-learning rule on the same
/// out-of-fold classifiers? Look-alikes, whose folds are trained; or the training images of data that are named, whose folds are linear
/// probes on the features of ImageNet weights, which each image passes once.</summary>
internal static class LabelErrorsFound
{
    private const double Flipped = 0.05;
    private const int Folds = 5;
    private const string Trunk = "resnet20_cntk";

    public static int Run(string[] arguments)
    {
        string? Option(string name) => Array.IndexOf(arguments, name) is var at and >= 0 ? arguments[at + 1] : null;
        int Number(string name, int usual) => int.Parse(Option(name) ?? $"{usual}", CultureInfo.InvariantCulture);
        int[] seeds = [.. Enumerable.Range(Number("--first", 0), Number("--seeds", 3))];
        var alike = arguments.Contains("--alike");
        Found[] found = Option("--data") is { } data ? [.. Probes(data, Number("--input-size", 160), seeds, alike)]
            : [.. Trained(Number("--epochs", 15), LossRegistry.Find(Option("--loss") ?? "schane"), seeds)];
        if (found.Length > 1)
            foreach (var (name, of) in ((string, Func<Found, double>)[])[("precision", f => f.Precision), ("recall", f => f.Recall),
                ("average precision", f => f.Average), ("that of confident learning", f => f.PeerAverage),
                ("its precision", f => f.PeerPrecision), ("its recall", f => f.PeerRecall)])
            {
                var interval = Interval.StudentT([.. found.Select(of)]);
                Say(string.Create(CultureInfo.InvariantCulture, $"{name} {interval.Mean:F2} ({interval.Low:F2} to {interval.High:F2})"));
            }
        return 0;
    }

    /// <summary>By <c>schane data labels</c> itself.</summary>
    private static IEnumerable<Found> Trained(int epochs, ContrastiveLoss loss, int[] seeds)
    {
        var recipe = new Recipe { Data = "lookalikes", Epochs = epochs, Loss = loss, Precision = Precision.Float32, Threads = 1 };
        var folder = Directory.CreateTempSubdirectory("schane-labels-");
        try
        {
            foreach (var seed in seeds)
            {
                var images = DataSetup.Open(recipe, null).Train;
                var labels = Flip(images, seed, image => null, out var wrong);
                var file = Path.Combine(folder.FullName, $"flips-{seed}.csv");
                File.WriteAllText(file, "path,label\n" + string.Concat(wrong.Select(i =>
                    $"{images.NameOf(i)},{images.Classes[labels[i]]}\n")));
                var (run, _) = TrainJob.Run(recipe with { Relabel = file, Seed = seed },
                    new() { Folder = Path.Combine(folder.FullName, $"run-{seed}") });
                var report = LabelErrorsJob.Run(run.Root);
                var places = Enumerable.Range(0, images.Count).ToDictionary(images.NameOf);
                yield return Told(seed, wrong, images.Count, (double)report.Agreed / report.Judged, report.WrongRate, report.Ranked,
                    [.. report.Candidates.Select(c => places[c.Path])], report.ConfidentLearning);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The same without training: a trunk that stays as it is gives an image the same features in each fold.</summary>
    private static IEnumerable<Found> Probes(string data, int side, int[] seeds, bool alike)
    {
        set_num_threads(1);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var images = DataSetup.Open(new Recipe { Data = data }, null).Train;
        var net = new ImageClassifier(ModelRegistry.Create(Trunk, seed: 0, inputSize: side), classes: 1);
        InitialWeights.Find(InitialWeights.Published, Trunk, null, null, default).Into(net, keepHead: false, null);
        net.eval();
        using var trunk = new RunModel(net, [], "none");
        var features = new EmbeddingSource().Embed(trunk, images, "train", default).Embeddings;
        var nearest = alike ? NearestClass(features) : null;
        foreach (var seed in seeds)
        {
            var labels = Flip(images, seed, image => nearest?[images.LabelOf(image)], out var wrong);
            var all = new EmbeddingSet(features.Values, features.Width, labels, features.Classes);
            var (logits, votes, gaps) = (new float[all.Count][], new double[all.Count][], new double[all.Count]);
            foreach (var held in FoldsOf(labels, seed))
            {
                using var inner = NewDisposeScope();
                var (from, to) = (all.Rows(held), all.Rows([.. Enumerable.Range(0, all.Count).Except(held)]));
                using var head = ProbeHead.Fit(to.ToTensor(), tensor(to.Labels).to_type(ScalarType.Int64), all.Classes.Count);
                var rows = Copy.Floats(head.Logits(from.ToTensor())).Chunk(all.Classes.Count).ToArray();
                var (scores, gap) = (NearestNeighbours.Of(from, to).Scores, LabelErrorsJob.PairGaps(from, to));
                for (var i = 0; i < held.Length; i++)
                    (logits[held[i]], votes[held[i]], gaps[held[i]]) = (rows[i], scores[i], gap[i]);
            }
            var (noise, ranked, candidates) = LabelErrorsJob.Find(labels, logits, votes, gaps);
            yield return Told(seed, wrong, labels.Length,
                labels.Where((label, i) => Array.IndexOf(logits[i], logits[i].Max()) == label).Count() / (double)labels.Length, noise.Rate,
                [.. ranked.Select(s => s.Row)], [.. candidates.Select(s => s.Row)],
                LabelErrors.ConfidentLearning(labels, [.. logits.Select(row => CalibratedConfidence.Softmax(row, 1))]));
        }
    }

    private static Found Told(int seed, HashSet<int> wrong, int count, double agreed, double rate, IReadOnlyList<int> ranked,
        IReadOnlyList<int> candidates, (IReadOnlyList<int> Rows, int Flagged) peer)
    {
        double Right(IEnumerable<int> rows) => rows.Count(wrong.Contains);
        int[] flagged = [.. peer.Rows.Take(peer.Flagged)];
        var found = new Found(Right(candidates) / Math.Max(1, candidates.Count), Right(candidates) / wrong.Count,
            LabelErrors.AveragePrecision(ranked, wrong.Contains), Right(flagged) / Math.Max(1, flagged.Length),
            Right(flagged) / wrong.Count, LabelErrors.AveragePrecision(peer.Rows, wrong.Contains));
        Say(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {wrong.Count} of {count} labels flipped, {rate:P1} expected, " +
            $"{agreed:P1} agreed with; average precision {found.Average:F3}, confident learning {found.PeerAverage:F3}; candidates " +
            $"{candidates.Count}: precision {found.Precision:F2}, recall {found.Recall:F2}; flagged {flagged.Length}: precision " +
            $"{found.PeerPrecision:F2}, recall {found.PeerRecall:F2}"));
        return found;
    }

    /// <summary>Gives 5 % of the images another label: the one that is told, else any with the same chance.</summary>
    private static int[] Flip(IImageDataset images, int seed, Func<int, int?> other, out HashSet<int> wrong)
    {
        var random = new SampleRandom(seed, 5);
        int[] order = [.. Enumerable.Range(0, images.Count)], labels = [.. order.Select(images.LabelOf)];
        random.Shuffle<int>(order);
        wrong = [.. order[..(int)Math.Round(Flipped * images.Count)]];
        foreach (var image in order[..wrong.Count])
            labels[image] = other(image) ?? (labels[image] + 1 + random.Below(images.Classes.Count - 1)) % images.Classes.Count;
        return labels;
    }

    /// <summary>Images to hold out in turn, each class's share in each fold.</summary>
    private static IEnumerable<int[]> FoldsOf(int[] labels, int seed)
    {
        var folds = Enumerable.Range(0, Folds).Select(_ => new List<int>()).ToArray();
        foreach (var own in labels.Select((label, image) => (label, image)).GroupBy(item => item.label, item => item.image))
        {
            var random = new SampleRandom(seed, own.Key, 6);
            var (dealt, first) = (own.ToArray(), random.Below(Folds));
            random.Shuffle<int>(dealt);
            for (var i = 0; i < dealt.Length; i++)
                folds[(first + i) % Folds].Add(dealt[i]);
        }
        return folds.Select(fold => fold.ToArray());
    }

    /// <summary>For each class the one whose mean of unit features lies nearest.</summary>
    private static int[] NearestClass(EmbeddingSet features)
    {
        using var scope = NewDisposeScope();
        var members = nn.functional.one_hot(tensor(features.Labels).to_type(ScalarType.Int64), features.Classes.Count)
            .to_type(ScalarType.Float64);
        var centres = nn.functional.normalize(members.T.matmul(nn.functional.normalize(features.ToTensor(), dim: 1)), dim: 1);
        var alike = centres.matmul(centres.T) - 3 * eye(features.Classes.Count, dtype: ScalarType.Float64);
        return [.. Copy.Longs(alike.argmax(1)).Select(c => (int)c)];
    }

    private static void Say(string line) => Console.WriteLine(line);

    private sealed record Found(
        double Precision, double Recall, double Average, double PeerPrecision, double PeerRecall, double PeerAverage);
}
