using Schane.Losses;
using Schane.Recipes;

namespace Schane.Tests.Recipes;

public class LossSettingsTests
{
    [Theory]
    [InlineData("loss: supcon\nbeta: 2", "beta 2 (hcl, schane)")]
    [InlineData("loss: supcon\nbeta-final: 2", "beta-final 2 (hcl, schane)")]
    [InlineData("loss: ce\nmargin: 0.5\ntemperature: 0.07", "temperature 0.07 (supcon, simclr, hcl, schane) and margin 0.5 (triplet)")]
    [InlineData("loss: ce\nprojection: 32", "projection 32 (supcon, simclr, hcl, schane, triplet)")]
    [InlineData("loss: triplet\ntemperature: 0.07", "temperature 0.07 (supcon, simclr, hcl, schane)")]
    [InlineData("loss: schane\ntau-plus: 0.2\nestimator: easy", "tau-plus 0.2 (hcl) and estimator easy (hcl)")]
    [InlineData("loss: hcl\nplacement: inside\ndetach-weights: true", "placement inside (supcon, schane) and detach-weights true (schane)")]
    public void A_setting_that_the_loss_does_not_use_is_named_with_the_losses_that_do(string text, string idle)
    {
        var sentence = LossSettings.Unused(RecipeFile.Parse(text, "r.yaml"))!;
        Assert.StartsWith("Loss ", sentence);
        foreach (var part in idle.Split(" and "))
            Assert.Contains(part, sentence);
    }

    [Theory]
    [InlineData("loss: schane\nbeta: 2\ntemperature: 0.3")]
    [InlineData("loss: hcl\nbeta: 2\ntau-plus: 0.2\nestimator: easy")]
    [InlineData("loss: triplet\nmargin: 0.5")]
    [InlineData("loss: supcon\nplacement: inside\ntemperature: 0.07")]
    [InlineData("loss: ce\nlambda: 0\nbeta: 0\ntemperature: 0.1\nkernel: tiled")]
    public void What_is_used_or_as_it_would_be_anyway_or_the_machines_choice_is_not_told(string text) =>
        Assert.Null(LossSettings.Unused(RecipeFile.Parse(text, "r.yaml")));

    [Fact]
    public void Every_setting_of_the_table_is_one_of_a_recipe_and_matters_to_some_loss() =>
        Assert.All(RecipeFile.Keys, key => Assert.Contains(LossRegistry.All, loss => LossSettings.Matters(key, loss)));
}
