using System.Text.Json;
using Schane.Jobs;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tests.Cli;
using Schane.Tests.Support;

namespace Schane.Tests.Jobs;

/// <summary>Every recipe of the repository, made tiny and run.</summary>
[Trait("Long", "1")]
public class RecipesTests
{
    public static TheoryData<string> Names => [.. PublishedRecipes.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_recipe_tells_editors_of_its_schema_and_is_right(string name)
    {
        Assert.Equal("# yaml-language-server: $schema=schema.json", File.ReadLines(PublishedRecipes.PathOf(name)).First());
        var (first, kind, others) = RecipeFile.LoadAll(PublishedRecipes.PathOf(name));
        InitialWeights? before = null;
        foreach (var (stage, recipe) in others.Count == 0 ? [("", first)] : others)
        {
            RecipeCheck.Run(recipe, before: before);
            before = kind == "stage" ? new(stage, null, []) : null;
        }
    }

    [Theory]
    [Trait("Slow", "1")]
    [MemberData(nameof(Names))]
    public void Every_recipe_trains_at_a_tiny_size(string name)
    {
        using var photos = Photos.OfTwoClasses();
        using var more = new Photos(("grey", 3));
        Recipe Tiny(Recipe recipe) => RecipesTests.Tiny(recipe, photos) with { Unlabelled = recipe.Unlabelled is null ? null : more.Data };
        var (first, kind, others) = RecipeFile.LoadAll(PublishedRecipes.PathOf(name));
        var (run, results) = kind == "stage"
            ? StagedTraining.Run([.. others.Select(stage => (stage.Name, Tiny(stage.Recipe)))], new() { Folder = photos.Run })
            : TrainJob.Run(Tiny(others.Count == 0 ? first : others[^1].Recipe), new() { Folder = photos.Run });
        Assert.Equal(Steps, results.Steps);
        Assert.All(File.ReadLines(run.Journal).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(e => e.GetProperty("event").GetString() == "step"),
            step => Assert.Equal(JsonValueKind.Number, step.GetProperty("loss").ValueKind));
        Assert.True(File.Exists(run.Model));
    }

    private const int Steps = 3;

    /// <summary>The same objective, optimiser, precision of the batch and augmentation on a small model and few small images.</summary>
    private static Recipe Tiny(Recipe recipe, Photos photos) => recipe with
    {
        Data = photos.Data,
        NoRefit = true,
        Model = recipe.Model switch
        {
            "resnet50" => "resnet18_small",
            "swin_tiny_patch4_window7_224" => recipe.Model,
            { } name when name.StartsWith("vit_", StringComparison.Ordinal) || name.StartsWith("beit3_", StringComparison.Ordinal) =>
                $"{name}:patch=8,width=48,depth=2,heads=3",
            var name => name,
        },
        Weights = recipe.Weights is null ? null : "none",
        Augmentation = recipe.Augmentation == "omniglot" ? "light" : recipe.Augmentation,
        InputSize = recipe.Model == "swin_tiny_patch4_window7_224" ? 56 : 32,
        ClassesPerBatch = null,
        ImagesPerClass = 2,
        Batch = recipe.Batch is null ? null : 8,
        MicroBatch = recipe.MicroBatch is null ? null : 4,
        Projection = recipe.Projection is null ? null : 8,
        WarmupEpochs = recipe.WarmupEpochs is null ? null : 1,
        Warmup = 0,
        Steps = Steps,
        Epochs = null,
        Threads = 1,
    };
}
