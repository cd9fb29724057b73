using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Schane.Jobs.Studies;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Support;

namespace Schane.Tests.Jobs.Studies;

/// <summary>Runs that are made two at a time, each in a process of its own.</summary>
[Trait("Long", "1")]
public sealed class SideBySideTests : IDisposable
{
    private readonly Photos photos = Photos.OfTwoClasses();

    private Recipe Short => new()
    {
        Data = photos.Data, Weights = "none", Model = "schane_tiny", InputSize = 32, ImagesPerClass = 2, Steps = 2, EvaluateEvery = 100,
        Threads = 1, Precision = Precision.Float32
    };

    public void Dispose() => photos.Dispose();

    [Fact]
    [Trait("Slow", "1")]
    public void Sixty_runs_two_at_a_time_have_the_bits_of_runs_made_alone()
    {
        // Ten times the same six, all of one length, so that ends and beginnings fall together.
        PlannedRun[] Planned(string folder, int count) => [.. Enumerable.Range(0, count).Select(i => new PlannedRun(
            Path.Combine(photos.Root, folder, $"{i}"),
            Short with { Seed = i % 6, Loss = i % 2 == 0 ? new SchaneLoss() : new CrossEntropyAlone() }, $"run {i}", RunView.Trial))];
        PlannedRun[] alone = Planned("alone", 6), together = Planned("together", 60);
        new ManyRuns("alone", 1, null, null, null).Make(alone, null, default);
        Assert.Empty(RunOutcome.Failures(new ManyRuns("together", 2, [SchaneProgram.File], null, null).Make(together, null, default)));
        Assert.All(together.Select((run, i) => (run, i)), one => Assert.Equal(ModelOf(alone[one.i % 6]), ModelOf(one.run)));
        Assert.Equal(6, alone.Select(run => Convert.ToHexString(ModelOf(run))).Distinct().Count());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_run_whose_process_is_killed_is_named_and_the_same_line_makes_it_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux alone tells whose process is whose.");
        var line = Compare("steps: 4\n---\narm: ce\nloss: ce\n---\narm: schane\nsteps: 200\n", "--seeds", "2");
        using (var program = SchaneProgram.Start(null, line))
        {
            program.WaitUntil(() => Steps("schane-s0") > 0 && Worker("schane-s0") > 0, "the run that is to be killed had begun");
            Assert.Equal(0, Kill(Worker("schane-s0"), 9));
            var ended = program.End();
            Assert.Equal(1, ended.ExitCode);
            Assert.Contains("failed: SCHaNe, seed 0 (schane-s0): Its process was killed (signal 9)", ended.Errors);
            Assert.Contains("error: 1 run failed", ended.Errors);
        }
        var comparison = Schane.Reporting.Comparison.Load(At("compare.json"));
        Assert.Equal([("ce", 0), ("ce", 1), ("schane", 1)], comparison.Runs.Select(run => (run.Objective, run.Seed)).Order());
        Assert.Equal("schane-s0", Assert.Single(comparison.Failed).Run);
        Assert.Equal([1], Assert.Single(Schane.Reporting.ComparisonTable.Of(comparison).Differences).Seeds);
        Assert.Contains("it failed: SCHaNe, seed 0.", File.ReadAllText(At("compare.html")));
        DateTime[] Made() => [.. ((string[])["ce-s0", "ce-s1", "schane-s1"]).Select(run =>
            File.GetLastWriteTimeUtc(At(run, "model.safetensors")))];
        var made = Made();
        SchaneProgram.Run(line).Done();
        Assert.Equal(made, Made());
        Assert.Empty(Schane.Reporting.Comparison.Load(At("compare.json")).Failed);
    }

    [Fact, Trait("Slow", "1")]
    public void Processes_save_and_end_when_the_study_is_stopped_or_killed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux alone tells whose process is whose.");
        var line = Compare("steps: 100000\nsave-every: 100000\n---\narm: ce\nloss: ce\n---\narm: schane\n", "--seeds", "1");
        string[] runs = ["ce-s0", "schane-s0"];
        long[] before = [0, 0];
        for (var round = 0; round < 2; round++)
        {
            using var program = SchaneProgram.Start(null, line);
            program.WaitUntil(() => runs.Zip(before, (run, step) => Steps(run) > step && Worker(run) > 0).All(at => at),
                "both runs went on");
            int[] workers = [.. runs.Select(Worker)];
            if (round == 0)
            {
                program.Signal(PosixSignal.SIGINT);
                Assert.Equal(130, program.End().ExitCode);
                Assert.All(workers, worker => Assert.False(IsAlive(worker)));
            }
            else
            {
                program.Kill();
                Assert.True(SpinWait.SpinUntil(() => workers.All(worker => !IsAlive(worker)), TimeSpan.FromMinutes(1)));
            }
            before = [.. runs.Select(Steps)];
            // The last step is the one that was saved.
            Assert.All(runs.Zip(before), run =>
                Assert.True(File.Exists(At(run.First, $"checkpoints/step-{run.Second:00000000}.safetensors")), run.First));
        }
    }

    [Trait("Slow", "1")]
    [Fact]
    public void An_arm_that_fails_takes_no_other_with_it()
    {
        var options = new Schane.Jobs.Studies.CompareOptions
        {
            Arms = [("ce", Short with { Loss = new CrossEntropyAlone() }), ("schane", Short),
                ("wild", Short with { LearningRate = 1e30, Warmup = 0 })], Folder = photos.Run, Seeds = [0, 1]
        };
        var found = CompareJob.Run(options);
        Assert.Equal(["wild, seed 0", "wild, seed 1"], found.Failed.Select(run => run.Label));
        Assert.All(found.Failed, run => Assert.Contains("stopped early", run.Reason));
        Assert.Equal(("schane", "ce"), Assert.Single(found.Bootstrap!) is var b ? (b.First, b.Second) : default);
        Assert.Equal("wild-s0", Assert.Throws<FailedRunsException>(() => CompareJob.Run(options with { Against = "wild" })).Failed[0].Run);
    }

    [Fact]
    public void A_sweep_goes_on_without_a_run_that_fails_and_leaves_the_test_part_alone_until_it_is_there()
    {
        var options = new SweepOptions
        { Arms = [("schane", Short with { Steps = 4 })], Axes = [SweepAxis.Parse("lr=1e-5,1e-3")], Folder = photos.Run };
        using (RunFolder.Create(At("schane-t001-s0"), force: false).Lock())
        {
            var found = SweepJob.Run(options);
            Assert.Contains("Another process", Assert.Single(found.Failed).Reason);
            Assert.Equal([0], found.Trials.Select(t => t.Number));
            Assert.Null(found.Winners.Single().Test);
            Assert.Contains("runs failed", found.TestUse);
        }
        var whole = SweepJob.Run(options);
        Assert.Equal(2, whole.Trials.Count);
        Assert.NotNull(whole.Winners.Single().Test);
        Assert.Empty(whole.Failed);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Input_that_is_wrong_for_every_run_is_refused_with_its_own_sentence()
    {
        var refused = SchaneProgram.Run(Compare("steps: 2\n---\narm: ce\nloss: ce\nfreeze: nothing.at.all\n---\narm: schane\nfreeze: " +
            "nothing.at.all\n", "--seeds", "1")).Refusal();
        Assert.Contains("nothing.at.all", refused);
    }

    [Fact]
    public void Without_a_command_to_start_runs_are_made_one_after_another_and_a_command_that_is_none_is_named()
    {
        var said = new List<string>();
        var options = new Schane.Jobs.Studies.CompareOptions
        { Arms = [("ce", Short with { Loss = new CrossEntropyAlone() }), ("schane", Short)], Folder = photos.Run, Seeds = [0], Jobs = 2 };
        Assert.Contains("no/such/schane", Assert.Throws<SchaneException>(() =>
            CompareJob.Run(options with { Command = ["no/such/schane"] })).Message);
        CompareJob.Run(options, new Heard(said));
        Assert.Contains("one after another", said[0]);
        Assert.Contains("1 at a time", said[1]);
    }

    [Fact]
    public void The_verb_that_a_study_starts_is_not_for_people()
    {
        Assert.Contains("schane train", SchaneProgram.Run(StudyRun.Verb).Refusal());
        Assert.DoesNotContain(StudyRun.Verb, SchaneProgram.Run("--help").Done().Output);
    }

    private string[] Compare(string recipe, params string[] flags)
    {
        var file = Path.Combine(photos.Root, "arms.yaml");
        File.WriteAllText(file, recipe);
        return ["compare", "--recipe", file, "--data", photos.Data, "--out", photos.Run, "--weights", "none", "--input-size", "32",
            "--images-per-class", "2", "--threads", "1", "--jobs", "2", "--precision", "float32", .. flags];
    }

    private string At(string run, string file = "") => Path.Combine(photos.Run, run, file);

    private static byte[] ModelOf(PlannedRun run) => File.ReadAllBytes(Path.Combine(run.Path, "model.safetensors"));

    /// <summary>The last step in the journal of a run that another process may be writing.</summary>
    private long Steps(string run)
    {
        if (!File.Exists(At(run, "journal.jsonl")))
            return 0;
        using var file = new FileStream(At(run, "journal.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Split('\n').Where(line => line.EndsWith('}')).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(e => e.GetProperty("event").GetString() == "step").Select(e => e.GetProperty("step").GetInt64()).LastOrDefault();
    }

    /// <summary>The process that holds a run; 0 if there is none.</summary>
    private int Worker(string run)
    {
        var held = At(run, "run.lock");
        return Directory.GetDirectories("/proc").Select(Path.GetFileName)
            .Select(name => int.TryParse(name, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .FirstOrDefault(id => id > 0 && Holds(id, held));
    }

    private static bool Holds(int process, string file)
    {
        try
        {
            return Directory.GetFiles($"/proc/{process}/fd")
                .Any(fd => File.ResolveLinkTarget(fd, returnFinalTarget: false)?.FullName == file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;                                                                        // it has ended meanwhile
        }
    }

    private static bool IsAlive(int process) => Directory.Exists($"/proc/{process}")
        && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
