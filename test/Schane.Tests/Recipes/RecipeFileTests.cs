using Schane.Losses;
using Schane.Recipes;

namespace Schane.Tests.Recipes;

public class RecipeFileTests
{
    [Fact]
    public void A_recipe_written_and_read_again_is_the_same()
    {
        var recipe = new Recipe
        {
            Data = "my photos: \"2026\"\n", Loss = new SupConLoss(), Temperature = 0.07, Views = 2,
            Budget = TimeSpan.FromMinutes(2), DetachWeights = true
        };
        Assert.Equal(recipe, RecipeFile.Parse(RecipeFile.Write(recipe), "r.yaml"));
    }

    [Theory]
    [InlineData("learning-rate: 1", "there is no setting 'learning-rate' (did you mean 'lr'?).")]
    [InlineData("lamda: 0.5", "r.yaml line 1: there is no setting 'lamda' (did you mean 'lambda'")]
    [InlineData("seed: 1\nlambda: 1.5", "r.yaml line 2: lambda must lie between 0 and 1 but is 1.5.")]
    [InlineData("temperature: 0", "temperature must be a finite number above 0 but is 0.")]
    [InlineData("temperature: NaN", "temperature must be a finite number above 0 but is NaN.")]
    [InlineData("beta: -1", "beta must lie between 0 and 1000 but is -1.")]
    [InlineData("loss: supcom", "loss must be one of ce, supcon, simclr, hcl, schane, triplet but is 'supcom' (did you mean 'supcon'?)")]
    [InlineData("epochs: many", "epochs must be a whole number but is 'many'")]
    [InlineData("loss: 4", "loss must be one of")]
    [InlineData("budget: 5", "budget must be a time such as 90s, 5m or 1h but is '5'")]
    [InlineData("seed: 1\nseed: 2", "'seed' stands twice")]
    [InlineData("data: !!python/object x", "no YAML tags")]
    [InlineData("data: &a x\nmodel: *a", "no anchors or aliases")]
    [InlineData("data: [a, b]", "no lists and no nesting")]
    [InlineData("loss:\n  kind: ce", "no lists and no nesting")]
    [InlineData("just words", "lines of 'setting: value'")]
    [InlineData("a: 'b", "not YAML")]
    [InlineData("seed: 1\n---\nloss: ce", "r.yaml line 3: every document after the first is an arm")]
    [InlineData("seed: 1\n---\narm: ../x", "the name of an arm is letters, digits")]
    [InlineData("seed: 1\n---\narm: a\n---\narm: a", "there are two arms 'a'")]
    [InlineData("seed: 1\n---\narm: a\n---\nstage: b", "arms or stages, not both")]
    [InlineData("seed: 1\n---\nstage: a", "r.yaml has stages")]
    public void A_wrong_recipe_is_refused_with_its_line_and_rule(string text, string sentence)
    {
        var error = Assert.Throws<SchaneException>(() => RecipeFile.Parse(text, "r.yaml"));
        Assert.Contains(sentence, error.Message);
    }

    [Fact]
    public void Further_documents_are_arms_that_override_the_first()
    {
        var (recipe, arms) = RecipeFile.ParseArms("lr: 0.004\nseed: 2\n---\narm: plain\nloss: ce\n---\narm: hard\nlr: 0.002\n", "r.yaml");
        Assert.Equal((0.004, 2), (recipe.LearningRate, recipe.Seed));
        Assert.Equal(["plain", "hard"], arms.Select(a => a.Name));
        Assert.Equal(((ContrastiveLoss)new CrossEntropyAlone(), 0.004, 2),
            (arms[0].Recipe.Loss, arms[0].Recipe.LearningRate, arms[0].Recipe.Seed));
        Assert.Equal(((ContrastiveLoss)new SchaneLoss(), 0.002), (arms[1].Recipe.Loss, arms[1].Recipe.LearningRate));
    }

    [Fact]
    public void Schedules_of_the_objective_move_its_numbers_to_the_last_step()
    {
        JointOptions Of(string text) => RecipeFile.Parse($"steps: 100\n{text}", "r.yaml").Objective();
        Assert.Equal(new JointSettings(0.5, 1, 0.9), Of("loss: schane").At(70));
        var straight = Of("beta-final: 3\ntemperature-final: 0.1\nlambda-final: 0.5");
        Assert.Equal(new JointSettings(0.5, 1, 0.9), straight.At(0));
        Assert.Equal((0.3, 2, 0.7),
            (Math.Round(straight.At(50).Temperature!.Value, 12), straight.At(50).Beta, Math.Round(straight.At(50).Lambda, 12)));
        Assert.Equal(new JointSettings(0.1, 3, 0.5), straight.At(100));
        Assert.Equal(1 + 2 * (1 - Math.Cos(Math.PI / 4)) / 2, Of("beta-final: 3\nschedule-shape: cosine").At(25).Beta!.Value, 1e-12);
        var risen = Of("beta-warmup: 0.2\nbeta: 2");
        Assert.Equal((0, 1, 2, 2), (risen.At(0).Beta, risen.At(10).Beta, risen.At(20).Beta, risen.At(99).Beta));
    }

    [Theory]
    [InlineData("loss: ce\nlambda: 0.5", "Loss ce has no contrastive term, but lambda is 0.5")]
    [InlineData("loss: ce\nlambda-final: 0.5", "Loss ce has no contrastive term, but lambda-final is 0.5")]
    [InlineData("beta-warmup: 0.1\nbeta-final: 2", "keep one of them")]
    [InlineData("loss: simclr\nviews: 2\nmixup: 0.8\nmixing: soft", "Loss simclr has no soft pairs")]
    [InlineData("loss: hcl\nviews: 2\ncutmix: 1\nmixing: soft", "Loss hcl has no soft pairs")]
    [InlineData("loss: triplet\nmixup: 0.8\nmixing: soft", "Loss triplet has no soft pairs")]
    public void Settings_of_the_objective_that_contradict_each_other_are_refused(string text, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<SchaneException>(() => RecipeFile.Parse(text, "r.yaml").Objective()).Message);

    [Fact]
    public void A_recipe_over_one_megabyte_is_refused() =>
        Assert.Contains("larger than 1 MB",
            Assert.Throws<SchaneException>(() => RecipeFile.Parse(new string('#', 2 << 20), "r.yaml")).Message);
}
