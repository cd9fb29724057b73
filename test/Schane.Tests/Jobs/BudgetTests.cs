using System.Text.Json;
using Schane.Data.Dividing;
using Schane.Jobs;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Training;

namespace Schane.Tests.Jobs;

/// <summary>Runs of 60 s for which 40 steps were planned, on a clock that goes on by what a step is said to take.</summary>
[Trait("Long", "1")]
public sealed class BudgetTests : IDisposable
{
    private static readonly Recipe Timed = new()
    {
        Data = "lookalikes",
        Weights = "none",
        LabelsPerClass = 2,
        Budget = TimeSpan.FromSeconds(60),
        Steps = 40,
        ByTime = true,
        ClassesPerBatch = 4,
        ImagesPerClass = 2,
        SaveEvery = 5,
        KeepLast = 10,
        Threads = 1,
        InputSize = 32,
        NoThumbnails = true,
        NoProof = true,
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Trait("Slow", "1")]
    [Fact]
    public void A_run_that_gets_slower_ends_with_its_budget_and_its_rate_at_its_end()
    {
        var clock = new HandClock();
        var (run, results) = TrainJob.Run(Timed, With(clock, "run", step => step <= 10 ? 1 : 4));
        Assert.InRange(clock.Seconds, 50, 62);
        Assert.InRange(results.Steps, 18, 24);                            // 10 and then 50 / 4, less what is left for the end
        var steps = RunHistory.Read(run.Journal).Steps;
        Assert.Equal(40, steps[^1].Moved);
        Assert.Equal(1e-3, steps.Max(s => s.Lr)!.Value, 5);
        Assert.True(steps[^1].Lr < 1e-4);
        Assert.DoesNotContain("ended early", File.ReadAllText(run.Report), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_run_that_was_killed_makes_the_steps_it_had_made_again_and_goes_on_with_the_time_it_had()
    {
        var whole = new HandClock();
        var (run, _) = TrainJob.Run(Timed, With(whole, "whole", _ => 2));
        var copy = Copied(run, "killed", lastCheckpoint: 10);
        // A machine of another rate: what the journal knows is done as it was.
        TrainJob.Resume(copy.Root, With(new HandClock(), null, _ => 5));
        Assert.Equal(File.ReadAllBytes(run.Model), File.ReadAllBytes(copy.Model));

        var half = Copied(run, "half", lastCheckpoint: 10);
        File.WriteAllLines(half.Journal, File.ReadAllLines(half.Journal).Where(line => StepOf(line) is not > 12));
        var later = new HandClock();
        TrainJob.Resume(half.Root, With(later, null, _ => 2));
        Assert.InRange(later.Seconds, 30, 42);                            // ten steps took 20 s before
        Assert.NotEqual(File.ReadAllBytes(run.Model), File.ReadAllBytes(half.Model));
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_named_set_has_its_own_epochs_but_a_budget_that_is_given_comes_first()
    {
        var clock = new HandClock();
        var (run, _) = TrainJob.Run(Timed with { Steps = null, ByTime = false, Model = "convnet4" }, With(clock, "run", _ => 4));
        Assert.True(RecipeFile.LoadRun(run.Recipe).ByTime);
        Assert.InRange(clock.Seconds, 40, 64);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Folds_and_the_run_itself_end_with_the_budget_together_on_a_machine_that_gets_slower()
    {
        using var photos = new Photos(("red", 4), ("blue", 4));
        var (clock, steps) = (new HandClock(), 0);
        var (_, results) = TrainJob.Run(Timed with
        {
            Data = photos.Data,
            LabelsPerClass = null,
            Model = "convnet4",
            Steps = null,
            ByTime = false,
            Budget = TimeSpan.FromSeconds(120),
            ClassesPerBatch = 2,
        }, With(clock, "run", _ => steps++ < 20 ? 0.5 : 3));
        Assert.InRange(clock.Seconds, 108, 132);
        Assert.Equal((4, 8), (results.Folds, results.Images));
    }

    [Fact]
    public void Folds_that_the_budget_has_no_time_for_are_told_by_the_results_the_page_and_evaluate()
    {
        const string told = "2 of 4 folds are all that the budget held beside the run itself; the images of the others are learnt from";
        using var photos = new Photos(("red", 4), ("blue", 4));
        var (run, results) = TrainJob.Run(Timed with
        {
            Data = photos.Data,
            LabelsPerClass = null,
            Model = "convnet4",
            Steps = null,
            ByTime = false,
            ClassesPerBatch = 2,
        }, With(new HandClock(), "run", _ => 10));
        Assert.Equal((2, 4, 4), (results.Folds, results.FoldsWanted, results.Images));
        Assert.Contains(told, File.ReadAllText(run.Report));
        Assert.Contains(told, SchaneProgram.Run("evaluate", run.Root).Done().Errors);
        Assert.Null((RunResults.Parse(results.Text) with { FoldsWanted = null }).FoldsNote);        // as older runs have it
    }

    [Fact]
    public void A_run_whose_time_is_up_leaves_out_what_its_page_can_be_read_without()
    {
        using var photos = new Photos(("red", 12), ("blue", 12));
        var recipe = Timed with
        {
            Data = photos.Data,
            LabelsPerClass = null,
            Weights = "embedded",
            Steps = 4,
            NoProbe = false,
            NoRefit = true,
            NoThumbnails = false,
            ClassesPerBatch = 2,
        };
        var (intime, _) = TrainJob.Run(recipe, With(new HandClock(), "intime", _ => 1));
        var (late, results) = TrainJob.Run(recipe, With(new HandClock(), "late", _ => 30));
        Assert.Null(results.Probe!.Kept ? null : results.Probe.Test);
        var train = Splits.Load(late.Splits).Parts["train"];
        Assert.All(train, image => Assert.NotNull(new Thumbnails(intime.Thumbnails).Find("train", image)));
        Assert.All(train, image => Assert.Null(new Thumbnails(late.Thumbnails).Find("train", image)));
    }

    private RunOptions With(HandClock clock, string? name, Func<long, double> seconds) => new()
    {
        Folder = name is null ? null : Path.Combine(folder.Path, name),
        Time = clock,
        Progress = new Steps(step => clock.Seconds += seconds(step)),
    };

    private RunFolder Copied(RunFolder run, string name, int lastCheckpoint)
    {
        var to = Path.Combine(folder.Path, name);
        foreach (var file in Directory.EnumerateFiles(run.Root, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(run.Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        var copied = RunFolder.Open(to);
        File.Delete(copied.Model);
        foreach (var file in Directory.EnumerateFiles(copied.Checkpoints, "step-*"))
            if (int.Parse(Path.GetFileName(file).Split('-', '.')[1]) > lastCheckpoint)
                File.Delete(file);
        return copied;
    }

    private static long? StepOf(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.TryGetProperty("step", out var step) ? step.GetInt64() : null;
    }

    private sealed class HandClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => (long)(Seconds * 1_000_000);
    }

    private sealed class Steps(Action<long> done) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Loss is not null)
                done(value.Step);
        }
    }
}
