using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Evaluation.Statistics;
using Schane.Inference;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs.Averages;

/// <summary>Makes one run of several, or of several views: what <c>schane average</c> does.</summary>
internal static class AverageJob
{
    private sealed record Member(RunFolder Folder, Recipe Recipe, RunModel Model, RunResults Results, DataSetup Data)
    {
        public double Top1 { get; init; }

        public double Nll { get; init; }
    }

    /// <summary>
    /// Averages runs of one architecture and the same classes. A soup is made greedily (Wortsman et al. 2022, recipe 1): the best run on
    /// the validation images, then each next one that does not make the mean worse there. What comes out is calibrated and measured like
    /// any run, in a folder of its own.
    /// </summary>
    /// <param name="folders">Run folders; one where views alone are averaged.</param>
    /// <param name="options">How.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="SchaneException">A run isn't there or has no mean with the others, or no image is left to judge by.</exception>
    public static Averaged Run(IReadOnlyList<string> folders, AverageOptions options, CancellationToken stop = default)
    {
        Devices.Find(options.Device);
        var most = ImageViews.Most(mirrors: true);
        if (options.Views < 1 || options.Views > most)
            throw new SchaneException($"Views of an image must lie between 1 and {most} but are {options.Views}; name such a number with " +
                "--tta, or leave it out.");
        if (folders.Count == 1 && options.Views == 1)
            throw new SchaneException("One run and one view have no mean; name several runs, or several views with --tta.");
        var target = options.Folder ?? $"{Path.TrimEndingDirectorySeparator(folders[0])}-" +
            (folders.Count == 1 ? "tta" : options.Kind.ToString().ToLowerInvariant());
        RunFolder.RequireFree(target, options.Force);
        using var scope = NewDisposeScope();
        List<Member> members = [.. folders.Select(folder => Open(folder, options))];
        try
        {
            MustBeAlike(members);
            var (recipe, (data, leftOut)) = (members[0].Recipe, Unseen(members));
            var at = 0;
            Classification Judge(RunModel model)
            {
                options.Progress?.Report(new("judge", ++at, 0, 0, null, 0, null));
                using var outputs = ModelOutputs.Of(model.Classifier, data.Validation!, TransformPreset.Find(model.Augmentation)
                    .Evaluation(model.Input), device(options.Device), new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop);
                return Classification.Of(outputs.Logits, outputs.Labels);
            }
            members = [.. members.Select(member => (Member: member, Found: Judge(member.Model)))
                .Select(one => one.Member with { Top1 = one.Found.Top1, Nll = one.Found.Nll })
                .OrderByDescending(member => member.Top1).ThenBy(member => member.Nll)];
            var kept = options.Kind == AverageKind.Soup ? Stir(members, model => Judge(model).Top1) : members;
            List<AverageMember> told = [.. members.Select(member => new AverageMember(member.Folder.Name, member.Top1,
                kept.Contains(member)))];
            if (kept.Count == 1 && options.Views == 1)
                return new(null, told, members[0].Top1, data.Validation!.Count, leftOut, null);

            List<RunModel> parts = options.Kind == AverageKind.Soup && kept.Count > 1
                ? [AveragedModels.Soup([.. kept.Select(member => member.Model)])] : [.. kept.Select(member => member.Model)];
            using var soup = options.Kind == AverageKind.Soup && kept.Count > 1 ? parts[0] : null;
            using var mean = parts.Count == 1 && options.Views == 1 ? null : AveragedModels.Ensemble(parts, options.Views);
            var model = mean ?? parts[0];
            var validation = Judge(model).Top1;
            var run = Keep(recipe, kept, model, data, target, options, stop);
            return new(target, told, validation, data.Validation!.Count, leftOut, data.Test is null ? null
                : Tested(Answers(members[0], recipe, data, stop), PredictedItem.Load(run.Predictions)));
        }
        finally
        {
            foreach (var member in members)
                member.Model.Dispose();
        }
    }

    private static Member Open(string folder, AverageOptions options)
    {
        var run = RunFolder.Open(folder);
        var results = RunResults.Load(run.Results);
        if (results.Folds is not null)
            throw new SchaneException($"The run '{folder}' has learnt from every image, so no image is left to judge a mean by; train it " +
                "again with --no-refit.");
        var recipe = SavedRun.RecipeOf(run) with { Device = options.Device };
        if (recipe.MultiLabel == true)
            throw LabelSetChoice.Refused("a mean of runs is judged by the one class that it names", "use the run that is best");
        var model = RunModel.Load(run.Model, options.Device);
        return new(run, recipe, model, results, DataSetup.Open(recipe, options.DataRoot, SavedRun.SplitsOf(run)));
    }

    private static void MustBeAlike(IReadOnlyList<Member> members)
    {
        var first = members[0];
        if (members.GroupBy(member => Path.GetFullPath(member.Folder.Root)).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new SchaneException($"The run '{twice.First().Folder.Root}' is named twice; name each once.");
        foreach (var member in members)
        {
            var (its, info) = (member.Model.Classifier.Backbone.Info, first.Model.Classifier.Backbone.Info);
            if (member.Model.Classifier.Backbone is AveragedBackbone)
                throw new SchaneException($"The run '{member.Folder.Root}' is a mean already; name the runs that it was made of.");
            if (its.Name != info.Name || its.InputSize != info.InputSize || its.Channels != info.Channels)
                throw new SchaneException($"The run '{first.Folder.Root}' is a {info.Name} at {info.InputSize} px and " +
                    $"'{member.Folder.Root}' a {its.Name} at {its.InputSize} px, which have no mean; name runs of one model.");
            if (!member.Model.Classes.SequenceEqual(first.Model.Classes))
                throw new SchaneException($"The run '{member.Folder.Root}' has other classes than '{first.Folder.Root}', so their " +
                    "answers have no mean; name runs of the same classes.");
            if (member.Model.Augmentation != first.Model.Augmentation)
                throw new SchaneException($"The run '{member.Folder.Root}' was trained with augmentation {member.Model.Augmentation} and " +
                    $"'{first.Folder.Root}' with {first.Model.Augmentation}, which may prepare images otherwise; name runs of one.");
        }
    }

    /// <summary>The first run's data without the images that another was trained on, and the test without those it was chosen by.</summary>
    private static (DataSetup Data, int LeftOut) Unseen(IReadOnlyList<Member> members)
    {
        static IEnumerable<string> Names(IImageDataset? part) => part is null ? [] : Enumerable.Range(0, part.Count).Select(part.NameOf);
        var (data, others) = (members[0].Data, members.Skip(1).ToList());
        if (data.Validation is null)
            throw new SchaneException($"The run '{members[0].Folder.Root}' has no validation images to judge a mean by; average runs on " +
                "data with a validation part.");
        var trained = others.SelectMany(member => Names(member.Data.Train)).ToHashSet();
        var seen = others.SelectMany(member => Names(member.Data.Validation)).Concat(trained).ToHashSet();
        static IImageDataset? Without(IImageDataset? part, HashSet<string> names) => part is null ? null
            : Enumerable.Range(0, part.Count).Where(i => !names.Contains(part.NameOf(i))).ToArray() is var left && left.Length < part.Count
            ? new Subset(part, left) : part;
        var unseen = data with { Validation = Without(data.Validation, trained), Test = Without(data.Test, seen) };
        if (data.Splits is { } splits)
            unseen = unseen with
            {
                Splits = splits with
                {
                    Parts = splits.Parts.ToDictionary(part => part.Key, part => (IReadOnlyList<string>)[
                        .. part.Key == "train" ? part.Value : part.Value.Except(part.Key == "val" ? trained : seen)]),
                },
            };
        var leftOut = data.Validation.Count - unseen.Validation!.Count + (data.Test?.Count ?? 0) - (unseen.Test?.Count ?? 0);
        return unseen.Validation.Count > 0 && unseen.Test is not { Count: 0 } ? (unseen, leftOut) : throw new SchaneException(
            "The runs divided their images so differently that none is left that no run was trained on; average runs of one division: " +
            "data with folders train, val and test, or trained with the same --seed.");
    }

    /// <summary>The runs of the greedy soup.</summary>
    private static List<Member> Stir(IReadOnlyList<Member> members, Func<RunModel, double> judge)
    {
        List<Member> kept = [members[0]];
        var best = members[0].Top1;
        foreach (var next in members.Skip(1))
        {
            using var soup = AveragedModels.Soup([.. kept.Append(next).Select(member => member.Model)]);
            if (judge(soup) is var found && found < best)
                continue;
            kept.Add(next);
            best = found;
        }
        return kept;
    }

    private static RunFolder Keep(Recipe recipe, IReadOnlyList<Member> kept, RunModel model, DataSetup data, string target,
        AverageOptions options, CancellationToken stop)
    {
        recipe = recipe with { Model = model.Classifier.Backbone.Info.Name };
        var run = SingleRun.Keep(recipe, InitialWeights.Nothing, data.Splits, _ => RunFolder.Create(target, options.Force));
        var held = run.Lock();
        var made = new TrainedFor(kept.Sum(member => member.Results.Steps), kept.Sum(member => member.Results.Seconds))
        {
            Average = kept.Count == 1 ? null : options.Kind.ToString().ToLowerInvariant(),
            AverageOf = [.. kept.Select(member => member.Folder.Name)],
            AverageViews = options.Views,
        };
        try
        {
            new FinishedRun(recipe, data, run, new SingleProcess()).Finish(model, made, probe: null, stop);
        }
        catch
        {
            held.Dispose();
            run.Remove();                                                 // half a mean is none, and is soon made again
            throw;
        }
        held.Dispose();
        return run;
    }

    /// <summary>What a run answered to the test images, at its end or now.</summary>
    private static IReadOnlyList<PredictedItem> Answers(Member member, Recipe recipe, DataSetup data, CancellationToken stop) =>
        member.Results.Part == "test" && File.Exists(member.Folder.Predictions) ? PredictedItem.Load(member.Folder.Predictions)
            : EvaluateJob.Measure(recipe, data, member.Model, 0, 0, stop: stop).Items;

    private static AverageTest Tested(IReadOnlyList<PredictedItem> best, IReadOnlyList<PredictedItem> mean)
    {
        var pairs = best.Join(mean, one => one.Image, other => other.Image, (one, other) => (Best: one.Right, Mean: other.Right)).ToList();
        return new(pairs.Count, pairs.Average(pair => pair.Best ? 1.0 : 0), pairs.Average(pair => pair.Mean ? 1.0 : 0),
            McNemar.ExactP(pairs.Count(pair => pair is (true, false)), pairs.Count(pair => pair is (false, true))));
    }
}
