using System.Text.Json;
using Schane.Tests.Support;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class RecipeTests
{
    /// <summary>SCHANE_APPROVE=1 rewrites the schema.</summary>
    [Fact]
    public void The_schema_in_the_repository_is_the_one_that_the_program_prints()
    {
        var printed = SchaneProgram.Run("recipe", "show", "--schema").Done().Output;
        var file = Path.Combine(PublishedRecipes.Folder, "schema.json");
        if (Environment.GetEnvironmentVariable("SCHANE_APPROVE") == "1")
            File.WriteAllText(file, printed);
        Assert.Equal(File.ReadAllText(file), printed);
    }

    [Fact]
    public void The_schema_says_types_choices_limits_and_defaults()
    {
        var keys = JsonDocument.Parse(File.ReadAllText(Path.Combine(PublishedRecipes.Folder, "schema.json"))).RootElement
            .GetProperty("properties");
        foreach (var key in Schane.Recipes.RecipeFile.Keys)
            Assert.NotEqual("", keys.GetProperty(key).GetProperty("description").GetString());
        Assert.Equal((0, 1),
            (keys.GetProperty("lambda").GetProperty("minimum").GetInt32(), keys.GetProperty("lambda").GetProperty("maximum").GetInt32()));
        Assert.Equal(0, keys.GetProperty("temperature").GetProperty("exclusiveMinimum").GetInt32());
        Assert.Equal((8, "integer"), (keys.GetProperty("input-size").GetProperty("minimum").GetInt32(),
            keys.GetProperty("input-size").GetProperty("type").GetString()));
        Assert.Equal(["adamw", "sgd"], keys.GetProperty("optimizer").GetProperty("enum").EnumerateArray().Select(v => v.GetString()!));
        Assert.Equal("adamw", keys.GetProperty("optimizer").GetProperty("default").GetString());
    }

    [Fact]
    public void A_right_recipe_is_said_to_be_and_a_wrong_one_is_refused_by_name_and_stage()
    {
        using var photos = Photos.OfTwoClasses();
        var file = Path.Combine(photos.Root, "r.yaml");
        File.WriteAllText(file, $"data: {photos.Data}\nsteps: 10\nimages-per-class: 2\n");
        Assert.Contains("right.", SchaneProgram.Run("recipe", "check", file).Done().Output);

        File.WriteAllText(file, $"data: {photos.Data}\nsteps: 10\nimages-per-class: 2\n---\nstage: first\nwarmup: 1\n");
        var sentence = SchaneProgram.Run("recipe", "check", file).Refusal();
        Assert.Contains("(stage first)", sentence);
        Assert.Contains("The warm-up is 10 steps", sentence);

        // as the plan of a training says it: a probe of random weights
        File.WriteAllText(file, $"data: {photos.Data}\nsteps: 10\nimages-per-class: 2\nweights: none\nno-probe: false\n");
        Assert.Contains("There can be no linear probe", SchaneProgram.Run("recipe", "check", file).Refusal());
        File.WriteAllText(file, $"data: {photos.Data}\nsteps: 10\nimages-per-class: 2\nweights: gone.safetensors\nno-probe: false\n");
        Assert.Contains("Not checked against the weights: There are no weights 'gone.safetensors'",
            SchaneProgram.Run("recipe", "check", file).Done().Output);

        File.WriteAllText(file, "data: nowhere-at-all\nsteps: 10\n");
        Assert.Contains("Not checked against the data", SchaneProgram.Run("recipe", "check", file).Done().Output);

        File.WriteAllText(file, $"data: {photos.Data}\nsteps: 10\nimages-per-class: 2\nloss: supcon\nmargin: 0.3\n");
        Assert.Contains("Loss supcon has no use for margin 0.3 (triplet)", SchaneProgram.Run("recipe", "check", file).Done().Output);
    }

    [Fact]
    public void Every_setting_is_shown_with_what_decides_it()
    {
        using var photos = new Photos();
        var file = Path.Combine(photos.Root, "r.yaml");
        File.WriteAllText(file, "lr: 0.5\n");
        var settings = SchaneProgram.Run("recipe", "show", file, "--json").Done().Document()[0].GetProperty("settings");
        Assert.Equal("0.5", settings.GetProperty("lr").GetString());
        Assert.Equal("adamw", settings.GetProperty("optimizer").GetString());
        Assert.Equal(JsonValueKind.Null, settings.GetProperty("temperature").ValueKind);
    }
}
