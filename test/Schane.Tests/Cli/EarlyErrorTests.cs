using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>What is wrong is known before the first step, and leaves the run's name free.</summary>
[Trait("Long", "1")]
public class EarlyErrorTests
{
    [Fact, Trait("Slow", "1")]
    public void A_bad_file_of_the_test_part_ends_a_run_before_its_first_step_and_leaves_its_name_free()
    {
        using var photos = Divided();
        var bad = Path.Combine(photos.Data, "test", "red", "0.png");
        var image = File.ReadAllBytes(bad);
        File.WriteAllBytes(bad, image[..40]);
        var ended = SchaneProgram.Run(photos.Train("--steps", "3"));
        Assert.Contains("test/red/0.png", ended.Refusal());
        Assert.DoesNotContain("train 1", ended.Errors);
        Assert.False(Directory.Exists(photos.Run));
        var skipped = SchaneProgram.Run(photos.Train("--steps", "3", "--on-bad-image", "skip")).Done();
        Assert.Contains("1 image of 20 can't be read and is left out; the first: ", skipped.Errors);
    }

    [Fact, Trait("Slow", "1")]
    public void A_run_that_met_a_bad_file_goes_on_without_it()
    {
        using var photos = Divided();
        SchaneProgram.Run(photos.Train("--steps", "3")).Done();
        File.Delete(Path.Combine(photos.Run, "results.json"));
        File.WriteAllText(Path.Combine(photos.Data, "test", "red", "0.png"), "no image");
        Assert.Contains("test/red/0.png", SchaneProgram.Run("train", "--resume", photos.Run).Refusal());
        Assert.Contains("leave out --seed", SchaneProgram.Run("train", "--resume", photos.Run, "--seed", "2").Refusal());
        SchaneProgram.Run("train", "--resume", photos.Run, "--on-bad-image", "skip").Done();
        SchaneProgram.Run("evaluate", photos.Run).Done();                 // the run's recipe says so from now on
    }

    [Fact]
    public void A_file_of_a_list_that_is_not_there_is_named_before_the_first_step()
    {
        using var photos = Photos.OfTwoClasses();
        var list = Path.Combine(photos.Root, "list.csv");
        File.WriteAllLines(list, ["path,label", .. Enumerable.Range(0, 10).SelectMany(i => (string[])
            [$"photos/red/{i}.png,red", $"photos/blue/{i}.png,blue"]), "photos/blue/none.png,blue"]);
        Assert.Contains("none.png'.", SchaneProgram.Run("train", "--data", list, "--out", photos.Run, "--weights", "none",
            "--input-size", "32", "--steps", "2").Refusal());
        Assert.False(Directory.Exists(photos.Run));
    }

    [Fact]
    public void A_folder_that_is_taken_is_refused_before_the_data_are_read()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "1")).Done();
        Directory.Delete(photos.Data, recursive: true);
        foreach (var parts in (string[][])[[], ["--no-refit"]])
            Assert.Contains("holds a run already",
                SchaneProgram.Run(["train", "--data", photos.Data, "--out", photos.Run, "--steps", "1", .. parts]).Refusal());
    }

    /// <summary>Two classes in all three parts, so that nothing is divided here.</summary>
    private static Photos Divided()
    {
        var photos = new Photos();
        foreach (var (part, count) in new[] { ("train", 6), ("val", 2), ("test", 2) })
            foreach (var (name, red) in new[] { ("red", 200), ("blue", 30) })
                for (var i = 0; i < count; i++)
                    photos.Write($"{part}/{name}/{i}.png", Pictures.Flat(40, 40, (byte)red, (byte)(10 + 3 * i), (byte)(230 - red)));
        return photos;
    }
}
