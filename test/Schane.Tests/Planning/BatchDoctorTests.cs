using Schane.Losses;
using Schane.Planning;
using Schane.Recipes;

namespace Schane.Tests.Planning;

[Trait("Long", "1")]
public class BatchDoctorTests
{
    private static readonly BatchReport Well = new("schane", 10, 10, 64, 16, 40, 0, 0, 3, 60, 50, 0.5, 0.1, []);

    [Fact]
    public void Batches_that_are_well_have_nothing_to_mend() => Assert.Empty(BatchDoctor.Findings(Well, new Recipe()));

    [Fact]
    public void Each_problem_is_told_with_the_setting_that_mends_it()
    {
        Assert.Contains("--views 2", Fix(Well with { WithoutPositives = 0.3 }));
        Assert.Contains("--sampler balanced", Fix(Well with { WithoutPositives = 0.3 }, new Recipe { Sampler = SamplerKind.Shuffled }));
        Assert.Contains("--images-per-class", Fix(Well with { CopiesOnly = 0.5 }));
        Assert.Contains("--classes-per-batch", Fix(Well with { ClassesPerBatch = 2 }));
        Assert.Contains("add classes", Fix(Well with { Classes = 1, ClassesPerBatch = 1, Negatives = 0 }));
        Assert.Contains("--classes-per-batch", Fix(Well with { Negatives = 6, Positives = 1 }));
        Assert.Contains("--beta", Fix(Well with { EffectiveNegatives = 1.5 }));
        Assert.Contains("--weights default",
            Fix(Well with { PositiveSimilarity = 0.999, NegativeSimilarity = 0.998 }, new Recipe { Weights = "none" }));
        Assert.Contains("--sampler shuffled", Fix(Well with { ImagesLeftOut = 0.4 }));
    }

    [Fact]
    public void Cross_entropy_alone_is_not_told_about_pairs() =>
        Assert.Empty(BatchDoctor.Findings(
            Well with { WithoutPositives = 1, CopiesOnly = 1, ClassesPerBatch = 1, Negatives = 1, EffectiveNegatives = 1 },
            new Recipe { Loss = new CrossEntropyAlone() }));

    private static string Fix(BatchReport report, Recipe? recipe = null) =>
        Assert.Single(BatchDoctor.Findings(report, recipe ?? new Recipe())).Fix;
}
