using Schane.Evaluation.Statistics;
using Schane.Tensors;

namespace Schane.Tests.Evaluation.Statistics;

public class ItemBootstrapTests
{
    [Fact]
    public void Agrees_with_theory_where_there_is_one()
    {
        // Two classes of 400 items, of which 300 and 200 are right: variance of the mean recall (0.75·0.25 + 0.5·0.5) / 400
        // / 4. The loss is its own mean.
        const int each = 400;
        var random = new SampleRandom(3);
        int[] labels = [.. Enumerable.Range(0, 2 * each).Select(i => i / each)];
        int[] predicted = [.. labels.Select((label, i) => i % each < (label == 0 ? 300 : 200) ? label : 1 - label)];
        double[] losses = [.. labels.Select(_ => Math.Exp(random.Normal()))];
        var found = ItemBootstrap.Of(labels, predicted, [.. labels.Select(_ => 0.9)], losses, classes: 2);
        Assert.Equal(0.625, found.MeanPerClass.Mean, 1e-12);
        Assert.Equal(1.96 * Math.Sqrt((0.75 * 0.25 + 0.25) / each / 4), found.MeanPerClass.HalfWidth!.Value, 0.003);
        double Spread(IEnumerable<double> own) => own.Average() is var mean ? own.Average(x => (x - mean) * (x - mean)) : 0;
        Assert.Equal(losses.Average(), found.Nll.Mean, 1e-12);
        Assert.Equal(1.96 * Math.Sqrt((Spread(losses[..each]) + Spread(losses[each..])) / 4 / each), found.Nll.HalfWidth!.Value, 0.02);
        // F1 of the classes: 2·300 / (400 + 500) and 2·200 / (400 + 300).
        Assert.Equal((2 * 300 / 900.0 + 2 * 200 / 700.0) / 2, found.MacroF1.Mean, 1e-12);
        Assert.InRange(found.MacroF1.HalfWidth!.Value, 0.02, 0.05);
        // All confidence is 0.9 and 0.625 is right: the error is their distance, which scatters as the accuracy does.
        Assert.Equal(0.275, found.Ece.Mean, 1e-12);
        Assert.Equal(found.MeanPerClass.HalfWidth!.Value, found.Ece.HalfWidth!.Value, 0.003);
        Assert.Equal(IntervalKind.Bootstrap, found.Ece.Kind);
    }

    [Fact]
    public void A_calibration_error_that_is_all_chance_has_an_interval_that_reaches_down_to_zero()
    {
        // Right as often as sure, in every bin; what error 200 items show is chance.
        var random = new SampleRandom(5);
        double[] confidence = [.. Enumerable.Range(0, 200).Select(_ => 0.3 + 0.7 * random.NextDouble())];
        int[] predicted = [.. confidence.Select(sure => random.NextDouble() < sure ? 0 : 1)];
        var found = ItemBootstrap.Of(new int[200], predicted, confidence, new double[200], classes: 2);
        Assert.InRange(found.Ece.Mean, 0.02, 0.2);
        Assert.True(found.Ece.Low < 0.5 * found.Ece.Mean, $"{found.Ece}");
    }

    [Fact]
    public void The_same_items_give_the_same_intervals()
    {
        int[] labels = [0, 0, 1, 1], predicted = [0, 1, 1, 1];
        double[] confidence = [0.9, 0.6, 0.8, 0.7], losses = [0.1, 0.9, 0.2, 0.4];
        Assert.Equal(ItemBootstrap.Of(labels, predicted, confidence, losses, 2),
            ItemBootstrap.Of(labels, predicted, confidence, losses, 2));
    }
}
