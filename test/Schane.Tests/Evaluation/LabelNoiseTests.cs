using Schane.Evaluation;
using Schane.Tensors;

namespace Schane.Tests.Evaluation;

public class LabelNoiseTests
{
    [Fact]
    public void One_label_that_sure_models_deny_is_wrong_and_the_rest_are_right()
    {
        // Ten of 30 items a class; item 0 has label 0 and looks like class 1 by a margin of 10.
        float[][] logits = [.. Enumerable.Range(0, 30).Select(i => Enumerable.Range(0, 3).Select(c => c == (i == 0 ? 1 : i % 3) ? 10f : 0f)
            .ToArray())];
        var noise = LabelNoise.Fit(logits, [.. Enumerable.Range(0, 30).Select(i => i % 3)]);
        Assert.InRange(noise.Wrong[0], 0.99, 1);
        Assert.All(noise.Wrong.Skip(1), wrong => Assert.InRange(wrong, 0, 0.01));
        Assert.Equal(1, noise.Expected);
        Assert.Equal(2.0 / 50, noise.Rate, 1e-3);                         // (1 + 2 - 1) / (30 + 2 + 20 - 2)
    }

    [Theory]
    [InlineData(0.05, 1, 2.0)]
    [InlineData(0.05, 0.25, 2.0)]                                         // logits four times too small
    [InlineData(0.2, 1, 1.0)]                                             // harder images, more wrong labels
    [InlineData(0.0, 1, 2.0)]
    public void The_share_of_wrong_labels_and_the_temperature_are_found_again(double rate, double temperature, double sharpness)
    {
        var (logits, labels, _) = Drawn(4000, 10, rate, temperature, sharpness, seed: 3);
        var noise = LabelNoise.Fit(logits, labels);
        Assert.Equal(rate, noise.Rate, 0.015);
        Assert.InRange(noise.Temperature / temperature, 0.88, 1.14);
        Assert.Equal(rate * 4000, noise.Expected, 61.0);
    }

    [Fact]
    public void Among_the_items_called_wrong_most_are_and_most_of_the_wrong_are_among_them()
    {
        var (logits, labels, flipped) = Drawn(4000, 10, 0.05, 1, 4, seed: 4);
        var noise = LabelNoise.Fit(logits, labels);
        int[] called = [.. Enumerable.Range(0, 4000).OrderByDescending(i => noise.Wrong[i]).Take(noise.Expected)];
        double right = called.Count(flipped.Contains);
        Assert.InRange(right / called.Length, 0.7, 1);
        Assert.InRange(right / flipped.Count, 0.7, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Few_labels_and_poor_models_make_no_more_than_three_of_25_wrong(int seed)
    {
        var (logits, labels, _) = Drawn(25, 5, 0.04, 1, 0.7, seed);
        Assert.InRange(LabelNoise.Fit(logits, labels).Expected, 0, 3);
    }

    /// <summary>Logits that are normal with a deviation, true classes by their softmax at a temperature, and labels of which a share is
    /// another class at random.</summary>
    private static (float[][] Logits, int[] Labels, HashSet<int> Flipped) Drawn(int count, int classes, double rate, double temperature,
        double sharpness, long seed)
    {
        var random = new SampleRandom(seed, 12);
        var (logits, labels, flipped) = (new float[count][], new int[count], new HashSet<int>());
        for (var i = 0; i < count; i++)
        {
            logits[i] = [.. Enumerable.Range(0, classes).Select(_ => (float)(sharpness * temperature *
                Math.Sqrt(-2 * Math.Log(1 - random.Uniform(0, 1))) * Math.Cos(2 * Math.PI * random.Uniform(0, 1))))];
            double[] weights = [.. logits[i].Select(l => Math.Exp(l / temperature))];
            var drawn = random.Uniform(0, weights.Sum());
            while (labels[i] < classes - 1 && (drawn -= weights[labels[i]]) > 0)
                labels[i]++;
            if (random.Uniform(0, 1) < rate)
            {
                labels[i] = (labels[i] + 1 + random.Below(classes - 1)) % classes;
                flipped.Add(i);
            }
        }
        return (logits, labels, flipped);
    }
}
