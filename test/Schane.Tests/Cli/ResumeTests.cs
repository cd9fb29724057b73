using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Schane.Tests.Cli;

/// <summary>Real programs that are killed, run out of disk, or are told to stop.</summary>
[Trait("Long", "1")]
public class ResumeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("Slow", "1")]
    public void A_run_that_is_killed_at_random_moments_ends_with_the_weights_of_one_that_is_not_to_the_bit(int seed)
    {
        string[] settings = ["--steps", "120", "--micro-batch", "2", "--ema", "0.95", "--save-every", "7", "--evaluate-every", "30",
            "--mixup", "0.3", "--clip-norm", "1"];
        using var whole = Photos.OfTwoClasses();
        SchaneProgram.Run(whole.Train(settings)).Done();
        var all = new FileInfo(Path.Combine(whole.Run, "journal.jsonl")).Length;

        using var killed = Photos.OfTwoClasses();
        var random = new Random(seed);
        var kills = 0;
        string[] line = killed.Train(settings);
        foreach (var share in Enumerable.Range(0, 4).Select(_ => random.NextDouble()).Order())
        {
            using var program = SchaneProgram.Start(null, line);
            var journal = Path.Combine(killed.Run, "journal.jsonl");
            program.WaitUntil(() => program.HasEnded || (File.Exists(journal) && new FileInfo(journal).Length >= share * all),
                $"its journal had {share:P0} of its length");
            program.Kill();
            kills++;
            line = ["train", "--resume", killed.Run];
        }
        SchaneProgram.Run(line).Done();
        Assert.Equal(4, kills);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Run, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(killed.Run, "model.safetensors")));
        Assert.Equal(File.ReadAllBytes(Last(whole)), File.ReadAllBytes(Last(killed)));      // optimiser, average and state too
        Assert.Equal(Enumerable.Range(1, 120).Select(i => (long)i), Steps(killed));
    }

    [Fact, Trait("Slow", "1")]
    public void A_run_on_a_read_only_disk_is_called_that()
    {
        using var photos = Photos.OfTwoClasses();
        Directory.CreateDirectory(photos.Run);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Mount("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", photos.Run) == 0,
            "Mounting a small tmpfs needs root.");
        try
        {
            SchaneProgram.Run(photos.Train("--steps", "2")).Done();
            Assert.Equal(0, Mount("mount", "-o", "remount,ro", photos.Run));
            var sentence = SchaneProgram.Run("train", "--resume", photos.Run).Refusal();
            Assert.Contains($"The run folder '{photos.Run}' is read-only here", sentence);
        }
        finally
        {
            Mount("umount", "-l", photos.Run);
        }
    }

    [Fact, Trait("Slow", "1")]
    public void A_full_disk_ends_the_run_with_the_last_good_checkpoint_intact()
    {
        using var photos = Photos.OfTwoClasses();
        Directory.CreateDirectory(photos.Run);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Mount("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", photos.Run) == 0,
            "Mounting a small tmpfs needs root.");
        try
        {
            var filler = Path.Combine(photos.Run, "filler");
            using (var program = SchaneProgram.Start(null,
                photos.Train("--steps", "100000", "--save-every", "5", "--evaluate-every", "20")))
            {
                program.WaitUntil(() => Directory.Exists(Path.Combine(photos.Run, "checkpoints"))
                    && Directory.GetFiles(Path.Combine(photos.Run, "checkpoints"), "step-*.sha256").Length >= 2, "it had saved twice");
                Fill(filler);
                var ended = program.End();
                Assert.Matches($"No space left .*Make room, .*`schane train --resume {photos.Run}`", ended.Refusal(exitCode: 1));
            }
            File.Delete(filler);
            using (var program = SchaneProgram.Start(null, "train", "--resume", photos.Run))
            {
                program.WaitFor("train ");
                program.Signal(PosixSignal.SIGTERM);
                Assert.Equal(130, program.End().ExitCode);
            }
            Assert.True(Events(photos).Single(e => e.GetProperty("event").GetString() == "resume").GetProperty("step").GetInt64() >= 10);
            Assert.Equal(Enumerable.Range(1, Steps(photos).Count).Select(i => (long)i), Steps(photos));
        }
        finally
        {
            Mount("umount", "-l", photos.Run);
        }
    }

    [Fact, Trait("Slow", "1")]
    public void A_run_in_two_stages_is_one_command_and_goes_on_where_it_was_stopped()
    {
        using var photos = Photos.OfTwoClasses();
        var recipe = Path.Combine(photos.Root, "two.yaml");
        File.WriteAllText(recipe, "seed: 3\n---\nstage: contrastive\nloss: supcon\nlambda: 1\nsteps: 4\n---\nstage: linear\nloss: " +
            "ce\nfreeze: trunk\naugmentation: none\nsteps: 100000\n");
        using (var program = SchaneProgram.Start(null, photos.Train("--recipe", recipe)))
        {
            program.WaitFor("Stage 2 of 2: linear.");
            program.WaitFor("train ");
            program.WaitUntil(() => Directory.Exists(photos.Run) && File.Exists(Path.Combine(photos.Run, "journal.jsonl"))
                && Steps(photos).Count > 0, "it had done a step of the second stage");
            program.Signal(PosixSignal.SIGINT);
            Assert.Equal(130, program.End().ExitCode);
        }
        using (var program = SchaneProgram.Start(null, "train", "--resume", photos.Run))
        {
            program.WaitFor("Stage 2 of 2: linear.");
            program.WaitUntil(() => Events(photos).Any(e => e.GetProperty("event").GetString() == "resume"), "it went on");
            program.Signal(PosixSignal.SIGINT);
            Assert.Equal(130, program.End().ExitCode);
        }
        Assert.Equal("contrastive", Path.GetFileName(Assert.Single(Directory.GetDirectories(Path.Combine(photos.Run, "stages")))));
        Assert.Contains("has stages", SchaneProgram.Run("compare", "--recipe", recipe, "--data", photos.Data).Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Five_thousand_steps_leave_the_resident_memory_where_it_was_after_a_thousand()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux alone tells.");
        using var photos = Photos.OfTwoClasses();
        // Garbage that .NET has not collected yet is no growth: collections come after every 4 MB here, and the
        // least of a stretch of steps counts. Numbers that were freed in the last five seconds are kept (FreedScalars), so that
        // memory grows until these are over.
        using var program = SchaneProgram.StartWith([("DOTNET_GCgen0size", "400000")],
            [.. photos.Train("--steps", "5000", "--model", "vit_tiny_patch16_224:patch=16,width=24,depth=1,heads=3", "--save-every", "50",
                "--evaluate-every", "5000", "--micro-batch", "2", "--ema", "0.99")]);
        var resident = new List<(long Step, double Bytes)>();
        foreach (var step in (long[])[1000, 2000, 3000, 4000, 4900])
        {
            program.WaitUntil(() => StepNow(photos) >= step, $"step {step}");
            var least = Resident(program.Id);
            program.WaitUntil(() => (least = Math.Min(least, Resident(program.Id))) > 0 && StepNow(photos) >= step + 60,
                $"step {step + 60}");
            resident.Add((step, least));
        }
        program.End().Done();
        var middle = resident.Average(r => r.Bytes);
        Assert.All(resident, r => Assert.True(Math.Abs(r.Bytes / middle - 1) <= 0.02,
            string.Join(", ", resident.Select(x => $"step {x.Step}: {x.Bytes / 1e6:F1} MB"))));
    }

    private static double Resident(int process) =>
        File.ReadLines($"/proc/{process}/status").Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
        .Select(line => 1024.0 * long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture)).Single();

    /// <summary>The step of the last whole line of the journal, without reading all of it.</summary>
    private static long StepNow(Photos photos)
    {
        var path = Path.Combine(photos.Run, "journal.jsonl");
        if (!File.Exists(path))
            return 0;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(-Math.Min(file.Length, 4096), SeekOrigin.End);
        using var reader = new StreamReader(file);
        var found = System.Text.RegularExpressions.Regex.Matches(reader.ReadToEnd(), "\"event\":\"step\",\"step\":(\\d+),");
        return found.Count == 0 ? 0 : long.Parse(found[^1].Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        try
        {
            for (var block = new byte[4096]; ;)
                file.Write(block);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static string Last(Photos photos) =>
        Directory.GetFiles(Path.Combine(photos.Run, "checkpoints"), "step-*.safetensors").Order(StringComparer.Ordinal).Last();

    private static List<long> Steps(Photos photos) =>
        [.. Events(photos).Where(e => e.GetProperty("event").GetString() == "step").Select(e => e.GetProperty("step").GetInt64())];

    private static List<JsonElement> Events(Photos photos)
    {
        using var file = new FileStream(Path.Combine(photos.Run, "journal.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.EndsWith('}'))
            .Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private static int Mount(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
