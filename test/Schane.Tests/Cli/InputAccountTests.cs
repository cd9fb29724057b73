using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>What is not used is said in one sentence by every command, and the check judges as training does.</summary>
[Trait("Long", "1")]
public sealed class InputAccountTests
{
    [Fact]
    public void Training_checking_and_showing_say_the_same_sentence_and_the_run_keeps_it()
    {
        using var photos = Photos.OfTwoClasses();
        foreach (var name in new[] { "red/1.heic", "red/2.HEIC", "blue/scan.tif", "blue/notes.txt" })
            photos.Write(name, [1, 2, 3]);
        const string Said = "Not used: 2 HEIC and 1 TIFF files can't be read: save them as JPEG; 1 other file is no image " +
            "('blue/notes.txt').";
        Assert.Contains(Said, SchaneProgram.Run("data", "check", photos.Data).Done().Output);
        Assert.Contains(Said, SchaneProgram.Run("data", "show", photos.Data).Done().Output);
        Assert.Equal(2, SchaneProgram.Run("data", "show", photos.Data, "--json").Done().Document().GetProperty("not_used")
            .GetProperty("HEIC").GetInt32());
        Assert.Contains(Said, SchaneProgram.Run(photos.Train("--steps", "1", "--loss", "ce")).Done().Errors);
        Assert.Contains("\"TIFF\": 1", File.ReadAllText(Path.Combine(photos.Run, "splits.json")));
        var page = Path.Combine(photos.Root, "page.html");
        SchaneProgram.Run("report", photos.Run, "--out", page).Done();
        Assert.Contains("2 HEIC, 1 TIFF, 1 no image", File.ReadAllText(page));
    }

    [Fact]
    public void The_check_finds_what_training_refuses()
    {
        using var wrapped = new Photos();
        foreach (var name in new[] { "inner/a/1.png", "inner/a/2.png", "inner/b/1.png", "inner/b/2.png" })
            wrapped.Write(name, Pictures.Flat(8, 8, (byte)name[6], (byte)name[8], 9));
        var check = SchaneProgram.Run("data", "check", wrapped.Data);
        Assert.Equal(1, check.ExitCode);
        const string WayOut = "photos/inner' holds the folders 'a', 'b': name that folder.";
        Assert.Contains(WayOut, check.Output);
        Assert.DoesNotContain("ready to train on", check.Output);
        Assert.Contains(WayOut, SchaneProgram.Run(wrapped.Train("--steps", "1")).Refusal());
        using var empty = new Photos(("red", 5), ("blue", 5));
        Directory.CreateDirectory(Path.Combine(empty.Data, "green"));
        Assert.Equal(1, SchaneProgram.Run("data", "check", empty.Data).ExitCode);
        Assert.Contains("Class 'green' has no images", SchaneProgram.Run(empty.Train("--steps", "1")).Refusal());
    }

    [Fact]
    public void A_list_is_checked_as_a_folder_is_and_its_columns_can_be_named()
    {
        using var photos = Photos.OfTwoClasses();
        var list = Path.Combine(photos.Root, "list.csv");
        var rows = Enumerable.Range(0, 10).SelectMany(i => new[] { $"photos\\red\\{i}.png;red\n", $"photos\\blue\\{i}.png;blue\n" });
        File.WriteAllText(list, "photo;kind\n" + string.Concat(rows));
        Assert.Contains("--path-column", SchaneProgram.Run("data", "check", list).Refusal());
        string[] columns = ["--path-column", "photo", "--label-column", "kind"];
        Assert.Contains("20 images of 2 classes: ready to train on.", SchaneProgram.Run(["data", "check", list, .. columns]).Done().Output);
        Assert.Contains("20 images of 2 classes.", SchaneProgram.Run(["data", "show", list, .. columns]).Done().Output);
        SchaneProgram.Run(["train", "--data", list, .. photos.Train()[3..], "--steps", "1", "--loss", "ce", .. columns]).Done();
        File.AppendAllText(list, "photos/red/gone.png;red\n");
        var check = SchaneProgram.Run(["data", "check", list, .. columns]);
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("gone.png", check.Output);
    }

    [Fact]
    public void The_flag_that_the_sentence_names_decides()
    {
        using var photos = new Photos(("bus", 6), ("car", 6));
        for (byte i = 0; i < 6; i++)
            foreach (var (name, shade) in new[] { ("steam", 40), ("electric", 220) })
                photos.Write($"train/{name}/{i}.png", Pictures.Flat(40, 40, (byte)shade, i, (byte)(i * 9)));
        foreach (var line in (string[][])[["data", "check", photos.Data], ["data", "show", photos.Data], photos.Train("--steps", "1")])
        {
            Assert.Contains("in two ways", SchaneProgram.Run(line).Refusal());
            var classes = SchaneProgram.Run([.. line, "--classes"]).Done().Output;
            Assert.True(line[0] == "train" || classes.Contains("24 images of 3 classes"), classes);
        }
        Assert.Contains("2 top folders are no parts", SchaneProgram.Run("data", "show", photos.Data, "--parts").Done().Output);
        Assert.Contains("both set", SchaneProgram.Run("data", "show", photos.Data, "--parts", "--classes").Refusal());
    }
}
