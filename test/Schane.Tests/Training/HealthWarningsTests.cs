using Schane.Losses;
using Schane.Training;

namespace Schane.Tests.Training;

public class HealthWarningsTests
{
    private static readonly BatchStatistics Healthy = new(64, 0, 3, 60)
    { MeanPositiveSimilarity = 0.6, MeanNegativeSimilarity = 0.1, EffectiveNegatives = 40 };

    [Fact]
    public void A_healthy_run_is_not_warned_of() => Assert.Empty(Told(Healthy, 0, 100));

    [Fact]
    public void Collapsed_embeddings_are_told_once_with_their_cosine() =>
        Assert.StartsWith("The embeddings have collapsed: images of different classes have a mean cosine of 0.995.",
            Assert.Single(Told(Healthy with { MeanPositiveSimilarity = 1, MeanNegativeSimilarity = 0.995 }, 0, 100)));

    [Fact]
    public void Anchors_without_positives_are_told_with_their_share() =>
        Assert.Contains("25 % of the anchors have no positive",
            Assert.Single(Told(Healthy with { ShareWithoutPositives = 0.25 }, 0, 100)).Replace(" %", " %", StringComparison.Ordinal));

    [Fact]
    public void A_handful_of_negatives_with_most_of_the_weight_is_told() =>
        Assert.StartsWith("A handful of negatives carries most of the weight: 1.5 of 60 count.",
            Assert.Single(Told(Healthy with { EffectiveNegatives = 1.5 }, 0, 100)));

    [Fact]
    public void A_starving_model_is_told_after_a_while_and_not_for_one_slow_batch()
    {
        Assert.Contains("waits for images", Assert.Single(Told(Healthy, 0.5, 100)));
        var health = new HealthWarnings();
        Assert.Empty(Enumerable.Range(0, 100).SelectMany(i => health.Look(Loss(Healthy), i == 50 ? 0.9 : 0)));
    }

    private static List<string> Told(BatchStatistics seen, double waiting, int steps)
    {
        var health = new HealthWarnings();
        return [.. Enumerable.Range(0, steps).SelectMany(_ => health.Look(Loss(seen), waiting).ToList())];
    }

    private static StepLoss Loss(BatchStatistics seen) => new(1, 1, 1, null, null, seen) { Settings = new(0.5, 1, 0.9) };
}
