using Schane.Data;
using Schane.Data.Dividing;
using Schane.Recipes;

namespace Schane.Planning;

/// <summary>Whether a model learns from all labelled images, and folds that are trained without them measure it.</summary>
internal static class RefitChoice
{
    private static readonly TimeSpan LeastBudget = TimeSpan.FromSeconds(45);

    /// <summary>Steps of the folds and of the run itself, the same in all, since accuracy hangs on them where they are few; null where time
    /// decides.</summary>
    /// <param name="recipe">As it was written.</param>
    /// <param name="data">All images.</param>
    public static int? StepsOf(Recipe recipe, DataSetup data)
    {
        recipe = LabelSetChoice.Settled(recipe, data);
        return recipe.Steps ?? recipe.Epochs * Samplers.For(recipe with
        { ClassesPerBatch = BatchShape.ClassesPerBatch(recipe, data.Train.Classes.Count) }, data).BatchesPerEpoch;
    }

    /// <summary>Decides it where the recipe leaves it open: few images that come with no part to choose or measure on are all learnt
    /// from.</summary>
    /// <param name="recipe">As it was written.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="hindrance">What stands against folds beside the recipe and its data; null: nothing.</param>
    /// <returns>Whether it does, a sentence for people where there is something to say, and the images where they had to be listed to
    /// tell.</returns>
    /// <exception cref="SchaneException">The recipe asks for it and it can't be, or the data can't be opened.</exception>
    public static (bool Refits, string? Note, IImageDataset? Listed) Of(Recipe recipe, string? dataRoot, string? hindrance)
    {
        if (recipe.NoRefit == true)
            return (false, null, null);
        var problem = hindrance ?? Problem(recipe);
        if (recipe.NoRefit == false)
            return problem is null ? (true, null, null)
                : throw new SchaneException($"The model can't learn from all images and be measured by folds: {problem}. Leave out " +
                    "no-refit: false.");
        if (recipe is { Steps: null, Epochs: null, Budget: { } budget } && budget < LeastBudget)
            hindrance ??= $"a budget of {MeasuredChoices.Spoken(budget)} is too short for folds";
        if (Problem(recipe) is not null || DividedData.Own(recipe.Data, dataRoot, DataSetup.OptionsOf(recipe)) is not { } listed)
            return (false, null, null);
        if (DividedData.Labelled(listed) is not { Count: var count and < RecipeSettings.RefitAt })
            return (false, null, listed);
        return hindrance is null ? (true, null, listed)
            : (false, $"{count} images are few, but {hindrance}, so a part of them is kept aside to choose and measure on.", listed);
    }

    /// <summary>What is told of folds before the first.</summary>
    public static string Sentence(Splits splits)
    {
        var (images, alone) = (splits.Parts["train"].Count, splits.Parts["train"].Except(splits.Folds.SelectMany(fold => fold)).Count());
        return $"{images} images: accuracy is measured by {splits.Folds.Count} folds, and the model that is kept learns from all of " +
            "them; --no-refit keeps a part aside instead." + (alone == 0 ? ""
                : $" {alone} {(alone == 1 ? "image is its" : "images are their")} class's only one, which no fold can measure.");
    }

    private static string? Problem(Recipe recipe) =>
        recipe.Data.Split(':')[0] is "lookalikes" or "omniglot" ? $"'{recipe.Data}' comes with parts to choose and measure on"
        : recipe.Folds is not null ? "folds K makes one fold alone"
        : recipe.LabelsPerClass is not null || recipe.Imbalance is not null
            ? "labels-per-class and imbalance are tried on a test part that stays the same"
        : !recipe.TrainsClassifier() ? "lambda 1 trains no classifier"
        : recipe.Patience is not null ? "patience needs validation images"
        : recipe.FinalWeights == FinalWeights.Best ? "final-weights best needs validation images" : null;
}
