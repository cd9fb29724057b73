using Schane.Data.Sets;
using Schane.Evaluation;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Folds;

/// <summary>A draw of few images of some classes, and 1,000 others of these.</summary>
internal sealed record FewLabelsDraw(Tensor Rows, long[] Labels, Tensor Test, long[] Truth, int Classes)
{
    private const int ForTraining = 100, HeldOut = 1000;

    public int[] All { get; } = [.. Enumerable.Range(0, Labels.Length)];

    public static FewLabelsDraw Of((Tensor Rows, long[] Labels) all, int images, int classes, int seed)
    {
        var groups = Enumerable.Range(0, all.Labels.Length / FewLabels.PerClass / LookalikesDataset.TwinsPerGroup).ToArray();
        var random = new SampleRandom(seed, 3);
        random.Shuffle<int>(groups);
        int[] chosen = [.. groups.SelectMany(group =>
            Enumerable.Range(group * LookalikesDataset.TwinsPerGroup, LookalikesDataset.TwinsPerGroup))];
        List<long> rows = [], test = [];
        List<long> labels = [], truth = [];
        for (var c = 0; c < classes; c++)
        {
            var own = Enumerable.Range(0, ForTraining).ToArray();
            random.Shuffle<int>(own);
            var count = images / classes + (c < images % classes ? 1 : 0);
            rows.AddRange(own.Take(count).Select(i => (long)(chosen[c] * FewLabels.PerClass + i)));
            labels.AddRange(Enumerable.Repeat((long)c, count));
            test.AddRange(Enumerable.Range(0, HeldOut / classes).Select(i => (long)(chosen[c] * FewLabels.PerClass + ForTraining + i)));
            truth.AddRange(Enumerable.Repeat((long)c, HeldOut / classes));
        }
        return new(all.Rows.index_select(0, tensor(rows.ToArray())), [.. labels], all.Rows.index_select(0, tensor(test.ToArray())),
            [.. truth], classes);
    }

    public List<int[]> Folds(int folds, long seed)
    {
        var dealt = Enumerable.Range(0, folds).Select(_ => new List<int>()).ToArray();
        foreach (var own in All.GroupBy(row => Labels[row]))
        {
            var order = own.ToArray();
            new SampleRandom(seed, own.Key).Shuffle<int>(order);
            for (var i = 0; i < order.Length; i++)
                dealt[(i + (int)own.Key) % folds].Add(order[i]);
        }
        return [.. dealt.Select(fold => fold.ToArray())];
    }

    public Tensor Fit(int[] rows, double strength = FewLabels.Strength)
    {
        var mine = Rows.index_select(0, tensor(rows.Select(row => (long)row).ToArray()));
        var targets = nn.functional.one_hot(tensor(rows.Select(row => Labels[row]).ToArray()), Classes).to_type(ScalarType.Float64);
        var mean = mine.mean([0], keepdim: true);
        var scale = (mine - mean).square().mean().sqrt();
        var found = LinearProbe.Fit((mine - mean) / scale, targets, 1 / (rows.Length * strength),
            zeros([mine.shape[1] + 1, Classes], ScalarType.Float64), strength > 1 ? 1e-4 : 1e-2, strength > 1 ? 100 : 30);
        var w = found.narrow(0, 0, mine.shape[1]) / scale;
        return cat([w, found.narrow(0, mine.shape[1], 1) - mean.matmul(w)]);
    }

    public double[] Logits(Tensor model, int[] rows) =>
        Copy.Doubles(LinearProbe.Logits(Rows.index_select(0, tensor(rows.Select(row => (long)row).ToArray())), model));

    public double[] Right(Tensor model, int[] rows) =>
        [.. Logits(model, rows).Chunk(Classes).Zip(rows, (l, row) => Array.IndexOf(l, l.Max()) == Labels[row] ? 1.0 : 0.0)];

    public double Accuracy(Tensor model) => Measure(model, [1])[0].Accuracy;

    public List<(double Accuracy, double Nll, double Ece)> Measure(Tensor model, IEnumerable<double> temperatures)
    {
        var logits = Copy.Doubles(LinearProbe.Logits(Test, model)).Chunk(Classes).ToArray();
        return [.. temperatures.Select(temperature =>
        {
            var (confidence, right, nll) = (new double[Truth.Length], new bool[Truth.Length], 0.0);
            for (var i = 0; i < Truth.Length; i++)
            {
                var best = logits[i].Max();
                var sum = logits[i].Sum(logit => Math.Exp((logit - best) / temperature));
                (confidence[i], right[i]) = (1 / sum, logits[i][Truth[i]] == best);
                nll += Math.Log(sum) - (logits[i][Truth[i]] - best) / temperature;
            }
            return (right.Average(hit => hit ? 1.0 : 0.0), nll / Truth.Length, Calibration.Of(confidence, right).Error);
        })];
    }
}
