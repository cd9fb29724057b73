namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class FewShotTests
{
    private static readonly string[] Shape = ["--ways", "2", "--shots", "1", "--queries", "3", "--episodes", "20", "--weights", "none"];

    [Fact]
    public void Classes_of_two_colours_are_told_apart_and_the_episodes_are_kept()
    {
        using var photos = Photos.OfTwoClasses();
        var file = Path.Combine(photos.Root, "e.json");
        var first = SchaneProgram.Run(["fewshot", "--data", photos.Data, "--episodes-file", file, "--json", .. Shape]).Done();
        Assert.Equal(["cosine-centroid", "cosine-neighbour", "logistic-regression"],
            first.Document().GetProperty("results").EnumerateArray().Select(r => r.GetProperty("classifier").GetString()!));
        Assert.All(first.Document().GetProperty("results").EnumerateArray(),
            r => Assert.InRange(r.GetProperty("accuracy").GetProperty("mean").GetDouble(), 0.9, 1));
        var written = File.ReadAllBytes(file);
        Assert.Equal(first.Output,
            SchaneProgram.Run(["fewshot", "--data", photos.Data, "--episodes-file", file, "--json", .. Shape]).Done().Output);
        Assert.Equal(written, File.ReadAllBytes(file));
        Assert.Contains("other episodes",
            SchaneProgram.Run(["fewshot", "--data", photos.Data, "--episodes-file", file, "--seed", "1", .. Shape]).Refusal());
    }

    [Fact]
    public void A_class_with_too_few_images_is_named()
    {
        using var photos = new Photos(("red", 10), ("blue", 3));
        Assert.Contains("'blue' has 3", SchaneProgram.Run(["fewshot", "--data", photos.Data, .. Shape]).Refusal());
    }

    [Fact]
    public void Queries_that_nobody_asked_for_are_lowered_to_what_the_smallest_class_has_and_it_is_said()
    {
        using var photos = new Photos(("red", 10), ("blue", 4));
        var ended = SchaneProgram.Run("fewshot", "--data", photos.Data, "--ways", "2", "--episodes", "5",
            "--weights", "none", "--json").Done();
        Assert.Equal(3, ended.Document().GetProperty("options").GetProperty("queries").GetInt32());
        Assert.Contains("Queries are lowered from 15 to 3 of each class, since 'blue' has 4 images.", ended.Errors);
        Assert.Contains("'blue' has 4",
            SchaneProgram.Run("fewshot", "--data", photos.Data, "--ways", "2", "--shots", "4", "--weights", "none").Refusal());
    }

    [Theory]
    [InlineData("", "needs --data")]
    [InlineData("run --data x --model resnet18", "leave out --model")]
    [InlineData("--data x --ways 1", "Ways must be at least 2 but is 1.")]
    [InlineData("--data x --ways many", "--ways must be a whole number but is 'many'.")]
    public void Wrong_use_is_refused(string flags, string sentence) =>
        Assert.Contains(sentence, SchaneProgram.Run(["fewshot", .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Refusal());
}
