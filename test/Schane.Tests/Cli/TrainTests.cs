using System.Runtime.InteropServices;
using System.Text.Json;
using Schane.Recipes;
using Schane.Tests.Cli.Terminals;
using Schane.Tests.Data;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class TrainTests
{
    [Fact]
    public void A_folder_of_images_becomes_a_run_and_a_prediction_and_the_data_stay_as_they_were()
    {
        using var photos = Photos.OfTwoClasses();
        var before = photos.Fingerprint();

        var trained = SchaneProgram.Run(photos.Train("--epochs", "2", "--json")).Done().Document();
        Assert.Equal(photos.Run, trained.GetProperty("run").GetString());
        foreach (var file in (string[])["recipe.yaml", "splits.json", "journal.jsonl", "model.safetensors", "results.json", "report.html"])
            Assert.True(File.Exists(Path.Combine(photos.Run, file)), $"{file} is missing");

        var image = Path.Combine(photos.Data, "red", "0.png");
        var predicted = SchaneProgram.Run("predict", photos.Run, image, "--json").Done().Document()[0];
        Assert.Equal(image, predicted.GetProperty("image").GetString());
        Assert.Equal(["blue", "red"],
            predicted.GetProperty("top").EnumerateArray().Select(t => t.GetProperty("class").GetString()!).Order());
        Assert.Equal(1, predicted.GetProperty("top").EnumerateArray().Sum(t => t.GetProperty("probability").GetDouble()), 1e-5);

        SchaneProgram.Run("evaluate", photos.Run, "--json").Done().Document();
        File.Delete(Path.Combine(photos.Run, "report.html"));
        SchaneProgram.Run("report", photos.Run).Done();
        Assert.True(File.Exists(Path.Combine(photos.Run, "report.html")));
        Assert.Equal(before, photos.Fingerprint());
    }

    [Fact]
    public void A_run_that_was_allowed_to_leave_steps_out_and_did_ends_with_exit_code_0_and_says_how_many()
    {
        using var photos = Photos.OfTwoClasses();
        // A cosine over such a temperature is beyond single precision.
        var ended = SchaneProgram.Run(photos.Train("--steps", "2", "--temperature", "1e-45", "--on-non-finite", "skip")).Done();
        Assert.Contains("2 of 2 steps were left out because the loss or a gradient was not finite", ended.Errors);
    }

    [Trait("Slow", "1")]
    [Fact]
    public void Class_names_with_markup_escape_codes_and_line_breaks_are_printed_escaped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such file names.");
        using var photos = new Photos(("[red]\u001b[2J", 6), ("two\nlines", 6));
        var trained = SchaneProgram.Run(photos.Train("--steps", "2")).Done();
        var predicted = SchaneProgram.Run("predict", photos.Run, Path.Combine(photos.Data, "two\nlines", "0.png")).Done();
        Assert.DoesNotContain('\u001b', trained.Errors + trained.Output + predicted.Output);
        Assert.Contains(@"[red]\e[2J", predicted.Output);
        Assert.Contains(@"two\nlines", predicted.Output);
    }

    [Fact]
    public void Lines_instead_of_a_bar_are_shown_where_there_is_no_terminal()
    {
        using var photos = Photos.OfTwoClasses();
        var ended = SchaneProgram.Run(photos.Train("--steps", "3")).Done();
        Assert.DoesNotContain('\u001b', ended.Errors + ended.Output);
        Assert.DoesNotContain('\r', ended.Errors + ended.Output);
        Assert.DoesNotContain("train 3/3", ended.Output);
        Assert.Matches(@"(?m)^  top1 +\d\.\d{4}", ended.Output);
        Assert.Matches(@"(?m)^train 3/3 \(100 %\), loss \d", ended.Errors);
    }

    [Fact]
    public void A_terminal_shows_a_bar()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "There is no `script` to make a terminal with.");
        using var photos = Photos.OfTwoClasses();
        var (code, screen) = Pty.Run(photos.Train("--steps", "30"));
        Assert.Equal(0, code);
        Assert.Contains("━", screen);
        Assert.Contains("images/s", screen);
    }

    [Fact]
    public void A_second_run_in_the_same_folder_is_refused_naming_resume_and_force_and_the_first_stays()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "2")).Done();
        var model = File.ReadAllBytes(Path.Combine(photos.Run, "model.safetensors"));
        var sentence = SchaneProgram.Run(photos.Train("--steps", "2", "--seed", "1")).Refusal();
        Assert.Contains("--resume", sentence);
        Assert.Contains("--force", sentence);
        Assert.Equal(model, File.ReadAllBytes(Path.Combine(photos.Run, "model.safetensors")));
        SchaneProgram.Run(photos.Train("--steps", "2", "--seed", "1", "--force")).Done();
        Assert.NotEqual(model, File.ReadAllBytes(Path.Combine(photos.Run, "model.safetensors")));
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public void A_signal_saves_and_ends_with_130_and_the_run_goes_on_where_it_stopped(PosixSignal signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals.");
        using var photos = Photos.OfTwoClasses();
        using (var program = SchaneProgram.Start(null, photos.Train("--steps", "100000")))
        {
            program.WaitFor("train ");
            program.Signal(signal);
            var ended = program.End();
            Assert.Equal(130, ended.ExitCode);
            Assert.Contains("--resume", ended.Errors);
            Assert.DoesNotContain("   at ", ended.Errors);
        }
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(photos.Run, "checkpoints")));
        var stopped = Events(photos).Single(e => e.GetProperty("event").GetString() == "end").GetProperty("step").GetInt64();

        using (var program = SchaneProgram.Start(null, "train", "--resume", photos.Run))
        {
            program.WaitFor("train ");
            program.Signal(signal);
            Assert.Equal(130, program.End().ExitCode);
        }
        Assert.Equal(stopped, Events(photos).Single(e => e.GetProperty("event").GetString() == "resume").GetProperty("step").GetInt64());
        var steps = Events(photos).Where(e => e.GetProperty("event").GetString() == "step")
            .Select(e => e.GetProperty("step").GetInt64()).ToList();
        Assert.Equal(Enumerable.Range(1, steps.Count).Select(i => (long)i), steps);
        Assert.True(steps.Count > stopped, "No step was done after the resume.");
    }

    [Fact]
    public void A_second_signal_ends_it_at_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals.");
        using var photos = Photos.OfTwoClasses();
        using var program = SchaneProgram.Start(null, photos.Train("--steps", "100000"));
        program.WaitFor("train ");
        program.Signal(PosixSignal.SIGINT);
        program.Signal(PosixSignal.SIGINT);
        Assert.Equal(130, program.End().ExitCode);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Two_processes_never_work_on_one_run()
    {
        using var photos = Photos.OfTwoClasses();
        using var first = SchaneProgram.Start(null, photos.Train("--steps", "100000"));
        first.WaitFor("train ");
        Assert.Contains("nother process", SchaneProgram.Run("train", "--resume", photos.Run).Refusal());
        Assert.Contains("nother process", SchaneProgram.Run(photos.Train("--steps", "2", "--force")).Refusal());
        first.Signal(PosixSignal.SIGTERM);
        Assert.Equal(130, first.End().ExitCode);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_damaged_checkpoint_is_named_and_the_one_before_is_taken()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "6", "--save-every", "2")).Done();
        var newest = Directory.EnumerateFiles(Path.Combine(photos.Run, "checkpoints"), "*.safetensors").MaxBy(File.GetLastWriteTimeUtc)!;
        using (var file = File.OpenWrite(newest))
            file.SetLength(file.Length / 2);
        var ended = SchaneProgram.Run("train", "--resume", photos.Run).Done();
        Assert.Contains(Path.GetFileName(newest), ended.Errors);
        Assert.Equal(4, Events(photos).Single(e => e.GetProperty("event").GetString() == "resume").GetProperty("step").GetInt64());
    }

    [Fact]
    public void A_resume_takes_no_other_settings()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("leave out --lr", SchaneProgram.Run("train", "--resume", photos.Run, "--lr", "0.1").Refusal());
    }

    [Theory, Trait("Slow", "1")]
    [InlineData("", "schane", "Shuffled", 0.002, 0.0)]                     // what was chosen for it
    [InlineData("--loss ce", "ce", "Shuffled", 0.002, null)]
    [InlineData("--lr 0.01 --images-per-class 2 --lambda 0.5", "schane", "Balanced", 0.01, null)]
    [InlineData("--model schane_tiny", "schane", "Balanced", 0.001, null)]
    public void Without_data_the_embedded_job_takes_its_own_settings_where_no_flag_decides(
        string flags, string loss, string sampler, double rate, double? lambdaFinal)
    {
        using var folder = new TemporaryFolder();
        SchaneProgram.RunIn(folder.Path, ["train", "--out", "run", "--steps", "1", "--labels-per-class", "2", "--no-thumbnails",
            .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Done();
        var recipe = RecipeFile.Load(Path.Combine(folder.Path, "run", "recipe.yaml"));
        Assert.Equal((loss, sampler, rate, lambdaFinal),
            (recipe.Loss.Name, recipe.Sampler.ToString(), recipe.LearningRate, recipe.LambdaFinal));
    }

    [Fact]
    public void Flags_go_before_the_recipe_and_the_resolved_recipe_is_saved()
    {
        using var photos = Photos.OfTwoClasses();
        var recipe = Path.Combine(photos.Root, "r.yaml");
        File.WriteAllText(recipe, "loss: supcon\nlambda: 0.25\nseed: 3\n");
        SchaneProgram.Run(photos.Train("--recipe", recipe, "--seed", "4", "--steps", "2")).Done();
        var saved = File.ReadAllLines(Path.Combine(photos.Run, "recipe.yaml"));
        foreach (var line in (string[])["loss: supcon", "lambda: 0.25", "seed: 4", "temperature: 0.1", "steps: 2"])
            Assert.Contains(line, saved);
    }

    private static List<JsonElement> Events(Photos photos) =>
        [.. File.ReadLines(Path.Combine(photos.Run, "journal.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
}
