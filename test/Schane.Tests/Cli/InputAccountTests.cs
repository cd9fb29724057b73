using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>What is not used is said in one sentence by every command, and the check judges as training does.</summary>
[Trait("Long", "1")]
public sealed class InputAccountTests
{
    [Fact]
    [Trait("Slow", "1")]
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

    [Fact, Trait("Slow", "1")]
    public void Measuring_and_embedding_other_images_say_the_same_sentence()
    {
        using var photos = Photos.OfTwoClasses();
        photos.Write("red/1.heic", [1, 2, 3]);
        const string Said = "Not used: 1 HEIC file can't be read: save them as JPEG.";
        SchaneProgram.Run(photos.Train("--steps", "1", "--loss", "ce")).Done();
        var rows = Path.Combine(photos.Root, "rows.npy");
        foreach (var data in (string[])[photos.Data, $"{List(photos, "label,where", ",1")}"])
            foreach (var line in (string[][])[["evaluate", photos.Run], ["evaluate", photos.Run, "--protocol", "embeddings"],
                ["embed", photos.Run, "--out", rows], ["fewshot", photos.Run, "--ways", "2", "--queries", "3", "--episodes", "2"]])
                Assert.Contains(data == photos.Data ? Said : "Not used: 1 row repeats an image of another row",
                    SchaneProgram.Run([.. line, "--data", data]).Done().Errors);
    }

    [Fact]
    public void Two_columns_of_labels_are_asked_about_and_the_flag_decides()
    {
        using var photos = Photos.OfTwoClasses();
        var list = List(photos, "label,class", ",same");
        string[] fewshot = ["fewshot", "--weights", "none", "--ways", "2", "--queries", "3", "--episodes", "2", "--data", list];
        foreach (var line in (string[][])[["data", "check", list], ["data", "show", list], fewshot])
        {
            Assert.Contains("has 2 columns that may hold the labels, 'label' and 'class'; say which with --label-column",
                SchaneProgram.Run(line).Refusal());
            SchaneProgram.Run([.. line, "--label-column", "label"]).Done();
            Assert.Matches("one class, 'same'|of 1 class", SchaneProgram.Run([.. line, "--label-column", "class"]) is var said
                ? said.Output + said.Errors : "");
        }
    }

    [Fact]
    public void Long_lists_of_findings_are_cut_on_the_screen_and_a_table_has_all()
    {
        using var photos = Photos.OfTwoClasses();
        for (var i = 0; i < 30; i++)
            photos.Write($"red/bad, {i}.jpg", [1, 2, (byte)i]);
        photos.Write("blue/notes.txt", [1]);
        photos.Write("blue/copy.png", File.ReadAllBytes(Path.Combine(photos.Data, "blue", "3.png")));
        var table = Path.Combine(photos.Root, "found.csv");
        var check = SchaneProgram.Run("data", "check", photos.Data, "--findings", table);
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("… and 10 more; --findings FILE.csv writes all.", check.Output);
        Assert.Contains($"33 findings are in {table}", check.Errors);
        var lines = File.ReadAllLines(table);
        Assert.Equal("kind,file,detail", lines[0]);
        Assert.Equal(30, lines.Count(line => line.StartsWith("unreadable,\"red/bad, ", StringComparison.Ordinal)));
        Assert.Contains("copy,blue/copy.png,blue/3.png", lines);
        Assert.Contains("not used,blue/notes.txt,no image", lines);
        Assert.Equal(["found.csv", "photos"], Directory.EnumerateFileSystemEntries(photos.Root).Select(Path.GetFileName).Order());
        Assert.Contains("there is no folder", SchaneProgram.Run("data", "check", photos.Data, "--findings",
            Path.Combine(photos.Root, "none", "found.csv")).Refusal());
        Assert.Contains("only what is missing", SchaneProgram.Run("data", "check", "cub", "--findings", table).Refusal());
    }

    /// <summary>A list of the images whose first row stands in it twice.</summary>
    private static string List(Photos photos, string columns, string rest)
    {
        var rows = Enumerable.Range(0, 10).SelectMany(i => new[] { "red", "blue" }.Select(c => $"photos/{c}/{i}.png,{c}{rest}\n")).ToList();
        var list = Path.Combine(photos.Root, "list.csv");
        File.WriteAllText(list, $"path,{columns}\n{string.Concat(rows)}{rows[0]}");
        return list;
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

    [Trait("Slow", "1")]
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
