using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>What images of one's own start from where neither a model nor weights are named, in one printed sentence.</summary>
[Trait("Long", "1")]
public class StartingPointTests
{
    private const string NoModel = "";

    [Trait("Slow", "1")]
    [Fact]
    public void Weights_that_a_restore_brought_are_taken_without_a_network()
    {
        using var photos = Photos.OfTwoClasses();
        using var cache = new TemporaryFolder();
        var ended = SchaneProgram.RunWith([("SCHANE_MODEL", NoModel), ("SCHANE_CACHE", cache.Path)],
            "fewshot", "--data", photos.Data, "--ways", "2", "--episodes", "5", "--offline", "--json").Done();
        Assert.Contains("Starting from resnet20_cntk: ImageNet weights from NuGet, licence MIT.", ended.Errors);
        Assert.Equal("resnet20_cntk", ended.Document().GetProperty("model").GetString());
    }

    [Fact]
    public void Where_there_are_none_the_tiny_net_is_taken_and_the_way_to_better_ones_is_said()
    {
        using var photos = Photos.OfTwoClasses();
        using var nothing = new TemporaryFolder();
        var ended = SchaneProgram.RunWith([("SCHANE_MODEL", NoModel), ("SCHANE_CACHE", nothing.Path), ("NUGET_PACKAGES", nothing.Path)],
            "fewshot", "--data", photos.Data, "--ways", "2", "--episodes", "5", "--offline", "--json").Done();
        Assert.Contains("Starting from schane_tiny, which was trained on drawn shapes, since there are no other weights on this machine; " +
            "`schane models fetch",
            ended.Errors);
        Assert.Equal("schane_tiny", ended.Document().GetProperty("model").GetString());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Training_starts_from_them_and_names_what_a_longer_budget_would_allow()
    {
        using var photos = Photos.OfTwoClasses();
        using var cache = new TemporaryFolder();
        var ended = SchaneProgram.RunWith([("SCHANE_MODEL", NoModel), ("SCHANE_CACHE", cache.Path)],
            "train", "--data", photos.Data, "--out", photos.Run, "--budget", "5s").Done();
        Assert.Matches("Starting from resnet20_cntk: .*; --model vit_small_patch16_224 --weights default would take about \\d+ (s|min) " +
            "for 10 epochs", ended.Errors);
        var recipe = File.ReadAllText(Path.Combine(photos.Run, "recipe.yaml"));
        Assert.Contains("model: resnet20_cntk", recipe);
        Assert.Contains("nuget:Microsoft.ML.DnnImageFeaturizer.ResNet18@0.23.1/", recipe);
        Assert.Matches("(?m)^input-size: (96|128|160|192|224)$", recipe);  // the faster the machine, the larger
    }
}
