using Schane.Checkpoints.Hub;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Inference;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>Looks at the batches of a recipe before it is trained: what <c>schane data doctor</c> does. While training goes on, the
/// journal's warnings say the same of the batches that were seen.</summary>
internal static class BatchDoctor
{
    private const int MostBatches = 200, Embedded = 3;
    private const double TooManyCopies = 0.25, HandfulShare = 0.05, SameDirection = 0.99, TooManyLeftOut = 0.1;
    private const int FewClasses = 4, FewNegatives = 16, EnoughNegatives = 20;

    /// <summary>Draws the batches of the first epoch, 200 at most, and embeds the first three with the initial weights.</summary>
    /// <param name="recipe">As for training.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="progress">Told of a download.</param>
    /// <param name="hub">Where weights come from.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="SchaneException">The data, the recipe or the weights break a rule.</exception>
    public static BatchReport Examine(Recipe recipe, string? dataRoot = null, IProgress<TrainingProgress>? progress = null,
        HubOptions? hub = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        if (LabelSetChoice.Is(recipe, DataSetup.Open(recipe, dataRoot)))
            throw LabelSetChoice.Refused("batches are looked at by one class an image", "the journal of a run says how many " +
                "anchors had no positive");
        // What the length would be measured for decides nothing about batches.
        var plan = TrainingPlan.Make(recipe with { Steps = recipe.Steps ?? 1, Precision = Precision.Float32 },
            DataSetup.Open(recipe, dataRoot), new() { Hub = hub, Progress = progress }, stop);
        (recipe, var data, var sampler) = (plan.Recipe, plan.Data, plan.Sampler);
        var batches = sampler.Batches(0).Take(MostBatches).Select(images => Batch.Of(images, data.Train, recipe.Views)).ToList();
        var seen = Look(plan, stop);
        var report = new BatchReport(
            recipe.Loss.Name, batches.Count, sampler.BatchesPerEpoch, batches.Average(b => b.Rows),
            batches.Average(b => b.Classes), data.Train.Classes.Count,
            batches.Sum(b => b.Alone) / batches.Sum(b => b.Rows), batches.Sum(b => b.CopiesOnly) / batches.Sum(b => b.Rows),
            batches.Sum(b => b.Positives) / batches.Sum(b => b.Rows),
            batches.Sum(b => b.Negatives) / batches.Sum(b => b.Rows), seen?.EffectiveNegatives, seen?.MeanPositiveSimilarity,
            seen?.MeanNegativeSimilarity, [])
        { ImagesLeftOut = sampler is BalancedSampler balanced ? (double)balanced.ImagesLeftOut / data.Train.Count : 0 };
        return report with { Findings = [.. Findings(report, recipe)] };
    }

    /// <summary>Problems with the batches and how to fix them; empty where there are none.</summary>
    internal static IEnumerable<BatchFinding> Findings(BatchReport report, Recipe recipe)
    {
        var contrasts = recipe.Objective().Contrasts;
        if (contrasts && report.WithoutPositives > HealthWarnings.TooManyAlone)
            yield return new($"{report.WithoutPositives:P0} of the anchors have no positive in their batch, so they teach the " +
                "contrastive term nothing.", recipe.Sampler == SamplerKind.Shuffled
                ? "Use --sampler balanced, which puts --images-per-class of each class into a batch; or --views 2; or larger batches."
                : "Use --views 2, or add images to the classes that have one.");
        if (contrasts && report.CopiesOnly > TooManyCopies)
            yield return new($"{report.CopiesOnly:P0} of the anchors have no positive but other views of the same image, since their " +
                "classes have too few images.",
                "Add images to the smallest classes, lower --images-per-class, or leave such classes out.");
        if (contrasts && report.Classes < 2)
            yield return new("A batch holds one class, so there are no negatives.", "Raise --classes-per-batch, or add classes.");
        else if (contrasts && report.ClassesPerBatch < FewClasses && report.ClassesPerBatch < report.Classes)
            yield return new($"A batch holds {report.ClassesPerBatch:0.#} of the {report.Classes} classes, so most classes are never " +
                "negatives of each other.",
                "Raise --classes-per-batch, if memory asks for it with a smaller --images-per-class or with --micro-batch.");
        if (contrasts && report.Negatives is > 0 and < FewNegatives)
            yield return new($"An anchor has {report.Negatives:0.#} negatives; hard ones can hardly be among so few.",
                "Raise --classes-per-batch or --images-per-class, if memory asks for it with --micro-batch.");
        if (contrasts && report.EffectiveNegatives is { } effective && report.Negatives >= EnoughNegatives
            && effective < HandfulShare * report.Negatives)
            yield return new($"With the initial weights {effective:0.0} of {report.Negatives:0} negatives carry the weight.",
                "Lower --beta, raise --temperature, or let β rise with --beta-warmup 0.3; and look for wrong labels (schane data labels).");
        if (report.PositiveSimilarity is { } positive && report.NegativeSimilarity is { } negative
            && Math.Min(positive, negative) > SameDirection)
            yield return new("The initial weights put all images in nearly one direction: the mean cosine of different classes is " +
                $"{negative:0.000}.", recipe.Weights == InitialWeights.None
                ? "That is usual for random weights; start from trained ones (--weights default) where there are any, and watch the " +
                    "collapse warnings of the run."
                : "Check that the weights belong to this model and that images are not all alike (schane data show).");
        if (report.ImagesLeftOut > TooManyLeftOut)
            yield return new($"An epoch leaves out {report.ImagesLeftOut:P0} of the images, others each time, because some classes are " +
                "far larger than the rest.", "Train for more epochs, lower --classes-per-batch, or use --sampler shuffled.");
    }

    /// <summary>What the first batches look like through the initial weights.</summary>
    private static BatchStatistics? Look(TrainingPlan plan, CancellationToken stop)
    {
        var (recipe, data, options) = (plan.Recipe, plan.Data, plan.Objective);
        // Where the loss tells nothing of its pairs, as cross-entropy alone, the similarities are told by one that weighs no negatives.
        options = new JointOptions
        {
            Loss = options.Contrasts && options.Loss.Formula is not null
                ? options.Loss : options.Loss.Positives == Positives.SameImage ? new SimClrLoss() : new SupConLoss(),
            Lambda = 1,
            Kernel = options.Kernel,
        };
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var model = plan.NewClassifier();
        plan.Weights.Into(model, recipe.KeepHead, null);
        model.to(device(recipe.Device));
        model.eval();
        var objective = new JointObjective(options);
        var input = new RunModel(model, data.Train.Classes, recipe.Augmentation!).Input;
        using var loader = new BatchLoader(data.Train, plan.Sampler, TransformPreset.Find(recipe.Augmentation!).Training(input),
            new LoaderOptions { Seed = recipe.Seed, Views = recipe.Views, OnBadImage = recipe.OnBadImage });
        List<BatchStatistics> seen = [];
        for (var i = 0; i < Embedded; i++)
        {
            using var inner = NewDisposeScope();
            using var batch = loader.Next(stop);
            var (embeddings, _) = model.Forward(batch.Images.to(device(recipe.Device)));
            var ids = objective.NeedsImageIds ? batch.ImageIds.to(embeddings.device) : null;
            using var loss = objective.Compute(embeddings, null, batch.Labels.to(embeddings.device), imageIds: ids);
            seen.Add(loss.Statistics);
        }
        double? Mean(Func<BatchStatistics, double?> of) =>
            seen.Select(of).OfType<double>().ToList() is { Count: > 0 } found ? found.Average() : null;
        return seen[0] with
        {
            EffectiveNegatives = Mean(s => s.EffectiveNegatives),
            MeanPositiveSimilarity = Mean(s => s.MeanPositiveSimilarity),
            MeanNegativeSimilarity = Mean(s => s.MeanNegativeSimilarity),
        };
    }

    /// <summary>Counts of one batch; an anchor is a row, one a view of an image.</summary>
    private readonly record struct Batch(double Rows, double Classes, double Alone, double CopiesOnly, double Positives, double Negatives)
    {
        public static Batch Of(int[] images, IImageDataset data, int views)
        {
            var rows = images.Length * views;
            var (alone, copies, positives, negatives) = (0.0, 0.0, 0.0, 0.0);
            var classes = images.GroupBy(data.LabelOf).ToList();
            foreach (var own in classes)
            {
                var of = own.Count() * views;
                alone += of == 1 ? 1 : 0;
                copies += of > 1 && own.Distinct().Count() == 1 ? of : 0;
                positives += of * (of - 1.0);
                negatives += of * (double)(rows - of);
            }
            return new(rows, classes.Count, alone, copies, positives, negatives);
        }
    }
}

/// <summary>What the batches of a recipe hold. An anchor is a row of a batch: one view of an image.</summary>
/// <param name="Loss">The contrastive term.</param>
/// <param name="Batches">Batches looked at.</param>
/// <param name="BatchesPerEpoch">Batches of an epoch.</param>
/// <param name="Rows">Mean rows of a batch.</param>
/// <param name="ClassesPerBatch">Mean classes in a batch.</param>
/// <param name="Classes">Classes of the data.</param>
/// <param name="WithoutPositives">Share of the anchors without a positive, 0 to 1.</param>
/// <param name="CopiesOnly">Share of the anchors whose positives are all views of their own image.</param>
/// <param name="Positives">Mean positives of an anchor.</param>
/// <param name="Negatives">Mean negatives of an anchor.</param>
/// <param name="EffectiveNegatives">exp of the entropy of the negatives' weights, with the initial weights;
/// null where there are none.</param>
/// <param name="PositiveSimilarity">Mean cosine of images of one class, with the initial weights.</param>
/// <param name="NegativeSimilarity">Mean cosine of images of different classes, with the initial weights.</param>
/// <param name="Findings">What is wrong, each with its fix; empty where all is well.</param>
internal sealed record BatchReport(
    string Loss, int Batches, int BatchesPerEpoch, double Rows, double ClassesPerBatch, int Classes, double WithoutPositives,
    double CopiesOnly, double Positives, double Negatives,
    double? EffectiveNegatives, double? PositiveSimilarity, double? NegativeSimilarity, IReadOnlyList<BatchFinding> Findings)
{
    /// <summary>Share of the images that an epoch does not show.</summary>
    public double ImagesLeftOut { get; init; }
}

/// <summary>A problem with the batches.</summary>
/// <param name="What">The problem, in a sentence.</param>
/// <param name="Fix">The way to fix it, in a sentence.</param>
internal sealed record BatchFinding(string What, string Fix);
