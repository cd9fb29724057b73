using System.Diagnostics;

namespace Schane.Tests.Cli;

/// <summary>What people get wrong, and what disks do: each ends in one sentence and its exit code.</summary>
[Trait("Long", "1")]
public class BadInputTests
{
    [Theory]
    [InlineData("--loss supcom",
        "--loss: loss must be one of ce, supcon, simclr, hcl, schane, triplet but is 'supcom' (did you mean 'supcon'?).")]
    [InlineData("--lambda 1.5", "--lambda: lambda must lie between 0 and 1 but is 1.5.")]
    [InlineData("--lambda -0.1", "--lambda: lambda must lie between 0 and 1 but is -0.1.")]
    [InlineData("--temperature 0", "--temperature: temperature must be a finite number above 0 but is 0.")]
    [InlineData("--beta -1", "--beta: beta must lie between 0 and 1000 but is -1.")]
    [InlineData("--loss ce --lambda 0.5", "Loss ce has no contrastive term, but lambda is 0.5; leave it out, or choose another loss.")]
    [InlineData("--loss triplet --mixup 1 --mixing soft", "Loss triplet has no soft pairs")]
    [InlineData("--epochs many", "--epochs: epochs must be a whole number but is 'many'.")]
    [InlineData("--device gpu", "The device must be cpu, cuda or cuda:N but is 'gpu'.")]
    [InlineData("--device cuda:99", "Device 'cuda:99' ")]
    [InlineData("--augmentation supcn", "There are no transforms 'supcn'; there are none, ")]
    [InlineData("--lambda", "--lambda needs a value: --lambda 0..1.")]
    [InlineData("--lambda 0.1 --lambda 0.2", "--lambda stands more than once; keep one.")]
    [InlineData("--lamda 0.5", "schane train has no flag '--lamda' (did you mean '--lambda'?); `schane train --help` lists its flags.")]
    public void A_wrong_flag_is_named_with_its_rule(string flags, string sentence)
    {
        using var photos = Photos.OfTwoClasses();
        Assert.StartsWith(sentence, SchaneProgram.Run(photos.Train(flags.Split(' '))).Refusal());
        Assert.False(Directory.Exists(photos.Run));
    }

    [Theory]
    [InlineData("export", "schane export needs RUN; `schane export --help` shows its use.")]
    [InlineData("export somewhere", "schane export needs --onnx FILE.onnx; `schane export --help` shows its use.")]
    [InlineData("enroll", "schane enroll needs RUN; `schane enroll --help` shows its use.")]
    public void What_a_verb_is_about_is_asked_for_before_its_flags(string line, string sentence) =>
        Assert.Equal(sentence, SchaneProgram.Run(line.Split(' ')).Refusal());

    [Fact]
    public void An_unknown_model_is_answered_with_the_nearest_names()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("resnet18", SchaneProgram.Run(photos.Train("--model", "resnet81", "--steps", "1")).Refusal());
        Assert.False(Directory.Exists(photos.Run));
    }

    [Fact]
    public void Weights_that_are_not_there_are_named_before_a_run_is_made()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("There are no weights 'nowhere.safetensors'",
            SchaneProgram.Run("train", "--data", photos.Data, "--out", photos.Run, "--weights", "nowhere.safetensors").Refusal());
        Assert.Contains("no embedded weights for 'resnet18'", SchaneProgram.Run("train", "--data", photos.Data, "--out", photos.Run,
            "--model", "resnet18", "--weights", "embedded").Refusal());
        Assert.False(Directory.Exists(photos.Run));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("nowhere",
            SchaneProgram.Run("train", "--data", Path.Combine(photos.Root, "nowhere"), "--out", photos.Run).Refusal());
        Assert.Contains("0.png",
            SchaneProgram.Run("train", "--data", Path.Combine(photos.Data, "red", "0.png"), "--out", photos.Run).Refusal());
        Assert.False(Directory.Exists(photos.Run));
    }

    [Fact]
    public void An_empty_folder_and_a_folder_of_one_class_are_refused()
    {
        using var empty = new Photos();
        Assert.Contains("photos", SchaneProgram.Run(empty.Train("--steps", "1")).Refusal());
        using var single = new Photos(("red", 10));
        Assert.Contains("one class", SchaneProgram.Run(single.Train("--steps", "1")).Refusal());
    }

    [Trait("Slow", "1")]
    [Fact]
    public void A_class_with_one_image_trains_and_is_mentioned()
    {
        using var photos = new Photos(("red", 10), ("blue", 10), ("green", 1));
        Assert.Contains("one image", SchaneProgram.Run(photos.Train("--steps", "2")).Done().Errors);
    }

    [Fact]
    public void A_text_file_named_jpg_and_a_truncated_jpeg_are_named()
    {
        using var photos = Photos.OfTwoClasses();
        photos.Write("red/notes.jpg", "not an image"u8.ToArray());
        Assert.Contains("notes.jpg", SchaneProgram.Run(photos.Train("--steps", "2")).Refusal());
        SchaneProgram.Run(photos.Train("--steps", "2", "--on-bad-image", "skip", "--force")).Done();
    }

    [Theory]
    [InlineData("lamda: 0.5", "line 1: there is no setting 'lamda' (did you mean 'lambda'?).")]
    [InlineData("seed: 1\ntemperature: -1", "line 2: temperature must be a finite number above 0 but is -1.")]
    [InlineData("data: !!binary x", "no YAML tags")]
    [InlineData("data: &a x\nmodel: *a", "no anchors or aliases")]
    public void A_wrong_recipe_is_refused_by_line(string text, string sentence)
    {
        using var photos = Photos.OfTwoClasses();
        var recipe = Path.Combine(photos.Root, "r.yaml");
        File.WriteAllText(recipe, text);
        Assert.Contains(sentence, SchaneProgram.Run(photos.Train("--recipe", recipe)).Refusal());
        Assert.Contains("There is no recipe file", SchaneProgram.Run(photos.Train("--recipe", recipe + "x")).Refusal());
    }

    [Fact]
    public void An_output_folder_below_a_file_is_refused()
    {
        using var photos = Photos.OfTwoClasses();
        var below = Path.Combine(photos.Data, "red", "0.png", "run");
        Assert.Contains("--out", SchaneProgram.Run("train", "--data", photos.Data, "--out", below, "--steps", "1").Refusal());
    }

    [Fact]
    public void A_run_of_a_later_version_is_refused_by_every_verb_that_reads_one()
    {
        using var photos = Photos.OfTwoClasses();
        Directory.CreateDirectory(photos.Run);
        File.WriteAllText(Path.Combine(photos.Run, "run.json"), "{\"format\": 99}");
        foreach (var line in (string[][])[["train", "--resume", photos.Run], ["evaluate", photos.Run], ["report", photos.Run],
            ["predict", photos.Run, "x.png"]])
            Assert.Contains("update schane", SchaneProgram.Run(line).Refusal());
    }

    [Fact]
    public void A_full_disk_ends_with_1_and_one_sentence()
    {
        using var photos = Photos.OfTwoClasses();
        Directory.CreateDirectory(photos.Run);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Mount("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", photos.Run) == 0,
            "Mounting a small tmpfs needs root.");
        try
        {
            Assert.Contains("No space left",
                SchaneProgram.Run([.. photos.Train("--steps", "4", "--save-every", "1")]).Refusal(exitCode: 1));
        }
        finally
        {
            Mount("umount", "-l", photos.Run);
        }
    }

    private static int Mount(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
