using System.Globalization;
using Schane.Jobs.Studies;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Data;
using Schane.Tests.Support;

namespace Schane.Tests.Jobs.Studies;

[Trait("Long", "1")]
public sealed class SweepJobTests : IDisposable
{
    private static readonly Recipe Short = new()
    {
        Data = "lookalikes",
        Weights = "none",
        LabelsPerClass = 2,
        Steps = 4,
        ClassesPerBatch = 4,
        ImagesPerClass = 2,
        EvaluateEvery = 100,
        Threads = 1,
        InputSize = 32,
        NoThumbnails = true,
        Precision = Precision.Float32,
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_best_trial_on_the_validation_part_is_chosen_and_it_alone_is_measured_on_the_test_part()
    {
        var found = SweepJob.Run(Sweep(("schane", Short)) with { Axes = [SweepAxis.Parse("lr=1e-5,3e-3")] });
        Assert.Equal(found.Trials.Max(t => t.Score), found.Winners.Single().Validation);
        Assert.Equal(1200, found.Winners.Single().Test!.Count);
        Assert.Contains("once", found.TestUse);
        foreach (var trial in found.Trials)
        {
            var results = RunResults.Load(Path.Combine(folder.Path, $"schane-t{trial.Number:000}-s0", "results.json"));
            Assert.Equal("val", results.Part);
            Assert.Equal(trial.Score, results.Metrics["top1"]);
        }
    }

    [Fact]
    public void Finished_trials_and_the_test_figure_are_used_again()
    {
        var options = Sweep(("schane", Short)) with { Axes = [SweepAxis.Parse("lr=1e-5,3e-3")] };
        var first = SweepJob.Run(options);
        var model = Path.Combine(folder.Path, "schane-t000-s0", "model.safetensors");
        var made = File.GetLastWriteTimeUtc(model);
        // If the test were measured again, this would no longer be there to read.
        foreach (var weights in Directory.GetFiles(folder.Path, "model.safetensors", SearchOption.AllDirectories).Where(f => f != model))
            File.Delete(weights);
        var second = SweepJob.Run(options);
        Assert.Equal(made, File.GetLastWriteTimeUtc(model));
        Assert.Equal(first.Winners, second.Winners);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Each_loss_is_tuned_by_the_same_number_of_trials_though_some_settings_do_nothing_for_it()
    {
        var options = Sweep(("ce", Short with { Loss = new CrossEntropyAlone() }), ("schane", Short)) with
        { Axes = [SweepAxis.Parse("lr=1e-4,1e-3"), SweepAxis.Parse("temperature=0.1,0.5")] };
        var refused = Assert.Throws<SchaneException>(() => SweepJob.Run(options));
        Assert.Contains("2 of ce, 4 of schane", refused.Message);
        Assert.Contains("--trials", refused.Message);
        var found = SweepJob.Run(options with { Trials = 2, MeasuresTest = false });
        Assert.Equal([2, 2], found.Trials.GroupBy(t => t.Arm).Select(g => g.Count()));
        Assert.All(found.Trials.Where(t => t.Arm == "ce"), t => Assert.DoesNotContain("temperature", t.Settings.Keys));
        Assert.All(found.Winners, w => Assert.Null(w.Test));
        // The winners come back as the arms of a recipe that trains what was chosen.
        var (_, arms) = RecipeFile.LoadArms(Path.Combine(folder.Path, "best.yaml"));
        Assert.Equal(found.Winners.Select(w => w.Arm), arms.Select(a => a.Name));
        foreach (var (name, recipe) in arms)
            Assert.Equal(found.Trials.First(t => t.Arm == name).Settings["lr"],
                recipe.LearningRate.ToString("0e-0", CultureInfo.InvariantCulture));
        Assert.Equal(new CrossEntropyAlone(), arms[0].Recipe.Loss);
    }

    [Trait("Slow", "1")]
    [Fact]
    public void Random_trials_share_their_draws_between_losses_and_with_more_trials()
    {
        var axes = new[] { SweepAxis.Parse("lr=1e-4..1e-2:log"), SweepAxis.Parse("temperature=0.05..1") };
        var few = SweepJob.Run(Sweep(("ce", Short with { Loss = new CrossEntropyAlone(), Steps = 1 }),
            ("schane", Short with { Steps = 1 })) with
        { Axes = axes, Trials = 2, MeasuresTest = false });
        double[] Rates(string arm) => [.. few.Trials.Where(t => t.Arm == arm).OrderBy(t => t.Number)
            .Select(t => double.Parse(t.Settings["lr"], CultureInfo.InvariantCulture))];
        Assert.Equal(Rates("ce"), Rates("schane"));
        Assert.All(Rates("ce"), rate => Assert.InRange(rate, 1e-4, 1e-2));
        Assert.Equal(2, Rates("ce").Distinct().Count());
    }

    [Fact, Trait("Slow", "1")]
    public void Successive_halving_gives_all_steps_to_the_best_alone()
    {
        var found = SweepJob.Run(Sweep(("schane", Short with { Steps = 40 })) with
        { Axes = [SweepAxis.Parse("lr=1e-5,1e-4,1e-3,3e-3")], Halving = 2, MeasuresTest = false });
        Assert.Equal([40, 20, 10, 10], found.Trials.Select(t => t.Steps));
        var shortest = found.Trials.ToDictionary(t => t.Number,
            t => RunResults.Load(Path.Combine(folder.Path, $"schane-t{t.Number:000}-r0-s0", "results.json")).Metrics["top1"]);
        Assert.True(found.Trials.Take(2).Min(t => shortest[t.Number]) >= found.Trials.Skip(2).Max(t => shortest[t.Number]));
    }

    [Fact]
    public void A_trial_that_diverges_comes_last_and_does_not_end_the_sweep()
    {
        var found = SweepJob.Run(
            Sweep(("ce", Short with { Loss = new CrossEntropyAlone(), Warmup = 0, Optimizer = OptimizerKind.Sgd })) with
            { Axes = [SweepAxis.Parse("lr=1e30,1e-3")], MeasuresTest = false });
        Assert.Equal("1e-3", found.Trials[0].Settings["lr"]);
        Assert.True(double.IsNaN(found.Trials[1].Score));
    }

    [Fact, Needs(Needs.Omniglot)]
    public void Alphabets_of_the_other_set_are_the_validation_of_one_shot_runs()
    {
        var root = Environment.GetEnvironmentVariable("SCHANE_DATA");
        var data = DataSetup.Open(new Recipe { Data = "omniglot:small1" }, root);
        var chosenOn = data.ForSelection();
        Assert.Equal("val", chosenOn.OneShotPart);
        string[] trained = [.. data.Train.Classes.Select(c => c.Split('/')[0]).Distinct()];
        Assert.All(chosenOn.OneShot!, run => Assert.DoesNotContain(run.Name[..run.Name.LastIndexOf(' ')], trained));
        Assert.True(chosenOn.OneShot!.Sum(run => run.Test.Count) >= 400);
        Assert.All(chosenOn.OneShot!, run => Assert.False(run.Training[0].Pixels.AsSpan().SequenceEqual(run.Test[0].Pixels)));
    }

    [Theory]
    [InlineData("lr", "KEY=V")]
    [InlineData("lr=", "KEY=V")]
    [InlineData("learning=1", "no setting 'learning'")]
    [InlineData("lr=0.1,x", "lr must be a number")]
    [InlineData("lr=1..0.1", "lower number to a higher")]
    [InlineData("lr=0..0.1:log", "above 0")]
    [InlineData("lr=a..b", "two numbers")]
    [InlineData("lambda=0.5..2", "between 0 and 1")]
    [InlineData("seed=1,2", "one task with one budget")]
    [InlineData("nobody:lr=1", "no arm 'nobody'")]
    [InlineData("schane:margin=1", "does nothing")]
    [InlineData("margin=1,2", "Nothing that is varied")]
    [InlineData("lr=0.1..0.2", "--trials N")]
    public void A_setting_that_can_not_be_swept_is_refused_with_the_way_out(string over, string words)
    {
        var refused = Assert.Throws<SchaneException>(() => SweepJob.Run(Sweep(("schane", Short)) with { Axes = [SweepAxis.Parse(over)] }));
        Assert.Contains(words, refused.Message);
    }

    private SweepOptions Sweep(params (string, Recipe)[] arms) => new() { Arms = arms, Axes = [], Folder = folder.Path };
}
