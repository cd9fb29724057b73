using Schane.Inference;

namespace Schane.Tests.Inference;

public class CalibratedConfidenceTests
{
    // Two classes, logit gap g, share s right: the best T makes the sigmoid of g/T the share (n large).
    [Fact]
    public void The_temperature_makes_confidence_the_share_that_is_right()
    {
        const int n = 10_000;
        var logits = new double[2 * n];
        var labels = new long[n];
        for (var i = 0; i < n; i++)
        {
            logits[2 * i] = 4;
            labels[i] = i % 4 == 0 ? 1 : 0;                               // three of four right
        }
        var found = CalibratedConfidence.Fit(logits, 2, labels);
        Assert.Equal(4 / Math.Log(3), found.Temperature, 2e-2);
        Assert.Equal(1 / (1 + Math.Exp(-4)) - 0.75, found.ErrorBefore, 1e-9);
        Assert.InRange(found.ErrorAfter, 0, 3e-3);
        Assert.Equal(new OperatingPoint(0.75, 1, 0.75), Assert.Single(found.Points) with { Threshold = 0.75 });
    }

    // n rows with gap g, all right: n·g·(1 − sigmoid(a·g)) is the pull to be surer, precision/a·log a what holds it back.
    [Fact]
    public void A_prior_holds_few_images_near_the_temperature_that_the_model_has()
    {
        var a = 1 / CalibratedConfidence.TemperatureOf([2, 0, 2, 0, 2, 0], 2, [0, 0, 0], precision: 4);
        Assert.Equal(3 * 2 * a / (1 + Math.Exp(2 * a)), 4 * Math.Log(a), 1e-9);
        Assert.InRange(a, 1, 1.3);
    }

    [Fact]
    public void Adding_a_constant_to_the_logits_of_a_row_changes_nothing()
    {
        var (logits, labels) = (Array.ConvertAll(Some(300), l => l), Enumerable.Range(0, 100).Select(i => (long)(i % 3)).ToArray());
        var shifted = logits.Select((l, i) => l + i / 3).ToArray();
        Assert.Equal(CalibratedConfidence.TemperatureOf(logits, 3, labels), CalibratedConfidence.TemperatureOf(shifted, 3, labels), 1e-9);
    }

    [Fact]
    public void A_validation_part_without_an_error_does_not_make_the_model_sure_beyond_measure()
    {
        double[] logits = [3, 0, 0, 3, 2, 0, 0, 2];
        var found = CalibratedConfidence.Fit(logits, 2, [0, 1, 0, 1]);
        Assert.InRange(found.Temperature, 0.5, 1);
    }

    [Fact]
    public void The_threshold_of_a_precision_answers_as_many_as_it_can()
    {
        // Confidences fall from left to right; right, right, wrong, right, wrong.
        double[] logits = [5, 0, 4, 0, 3, 0, 2, 0, 1, 0];
        var found = CalibratedConfidence.Fit(logits, 2, [0, 0, 1, 0, 1]);
        Assert.Equal((0.4, 1.0), (found.AtPrecision(1).Coverage, found.AtPrecision(1).Accuracy));
        Assert.Equal((0.8, 0.75), (found.AtPrecision(0.7).Coverage, found.AtPrecision(0.7).Accuracy));
        Assert.Equal((1.0, 0.6), (found.AtPrecision(0.5).Coverage, found.AtPrecision(0.5).Accuracy));
    }

    [Fact]
    public void A_precision_that_nothing_reaches_is_refused_with_the_best_there_is()
    {
        var found = CalibratedConfidence.Fit([2, 0, 2, 0, 2, 0, 2, 0], 2, [0, 0, 0, 1]);
        Assert.Contains("the best is 0.75", Assert.Throws<SchaneException>(() => found.AtPrecision(0.9)).Message);
    }

    [Fact]
    public void What_is_written_is_read_again_and_damage_is_named()
    {
        var found = CalibratedConfidence.Fit([5, 0, 4, 0, 3, 0], 2, [0, 0, 1]);
        var again = CalibratedConfidence.Parse(found.ToJson(), "x")!;
        Assert.Equal(found.Temperature, again.Temperature);
        Assert.Equal(found.Points, again.Points);
        Assert.Null(CalibratedConfidence.Parse(null, "x"));
        Assert.Contains("'x' is damaged", Assert.Throws<SchaneException>(() => CalibratedConfidence.Parse("{", "x")).Message);
    }

    private static double[] Some(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() * 6)];
    }
}
