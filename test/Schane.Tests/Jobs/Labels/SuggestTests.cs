using Schane.Jobs;
using Schane.Jobs.Labels;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Inference;

namespace Schane.Tests.Jobs.Labels;

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class SuggestTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Trait("Slow", "1")]
    [Fact]
    public void Images_without_a_label_are_chosen_listed_shown_and_linked_and_those_of_the_run_and_copies_are_left_out()
    {
        var place = New(6);
        folder.Write("new/other/seen.png", File.ReadAllBytes(run.Red));
        var once = Path.Combine(place, "other", "0.png");
        folder.Write("new/other/0.png", Green(99));                       // a name that is there already
        folder.Write("new/z-copy.png", Green(99));
        var (sheet, links) = (Path.Combine(folder.Path, "sheet"), Path.Combine(folder.Path, "links"));
        var ended = SchaneProgram.Run("suggest", run.Folder, "--from", place, "--count", "20", "--out", sheet, "--links", links, "--json")
            .Done();
        Assert.Contains("1 image of 9 left out: the run has a label for it.", ended.Errors);
        Assert.Contains("1 image left out: copies of others.", ended.Errors);
        Assert.Contains("There are no more than 7 images to choose from, so all are given.", ended.Errors);
        var chosen = ended.Document().GetProperty("suggestions").EnumerateArray().ToList();
        Assert.Equal([.. Enumerable.Range(0, 6).Select(i => Path.Combine(place, $"{i}.png")), once],
            chosen.Select(s => s.GetProperty("image").GetString()).Order(StringComparer.Ordinal));
        Assert.Equal(Enumerable.Range(1, 7), chosen.Select(s => s.GetProperty("rank").GetInt32()));

        string[] made = Directory.GetFiles(links, "*", SearchOption.AllDirectories);
        Assert.Equal(chosen.Select(s => (s.GetProperty("class").GetString(), s.GetProperty("image").GetString())).Order(),
            made.Select(link => (Path.GetFileName(Path.GetDirectoryName(link)), File.ResolveLinkTarget(link, true)!.FullName)).Order()!);
        Assert.Equal(7, File.ReadAllText(Path.Combine(sheet, "suggest.html")).Split("<img src=\"data:image/webp").Length - 1);

        Assert.Contains("suggest.html' is there already", Refusal("--from", place, "--out", sheet));
        Assert.Contains("is not empty", Refusal("--from", place, "--links", links));
        Assert.Contains("holds", Refusal("--from", place, "--links", place, "--force"));
        var label = Path.Combine(Path.GetDirectoryName(made[0])!, "mine.png");
        File.WriteAllBytes(label, Green(1));
        SchaneProgram.Run("suggest", run.Folder, "--from", place, "--count", "2", "--links", links, "--out", sheet, "--force").Done();
        Assert.Equal(2, Directory.GetFiles(links, "*", SearchOption.AllDirectories).Count(file => file != label));
        Assert.True(File.Exists(label));                                  // no link, so not ours to take away
    }

    [Fact, Trait("Slow", "1")]
    public void What_can_not_be_read_is_named_and_what_can_not_be_chosen_from_is_refused()
    {
        var place = New(3);
        folder.Write("new/bad.png", Green(0)[..40]);
        var ended = SchaneProgram.Run("suggest", run.Folder, "--from", place, "--method", "margin", "--count", "2", "--csv");
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("bad.png' ", ended.Errors);
        Assert.Contains("error: 1 of 4 images can't be read", ended.Errors);
        Assert.StartsWith("rank,image,class,probability,second,second_probability,unknown\n1,", ended.Output);
        Assert.Equal(3, ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("has a label for each of the 20 images", Refusal("--from", Path.Combine(run.Data, "red")));
        Directory.CreateDirectory(Path.Combine(folder.Path, "empty"));
        Assert.Contains("holds no image", Refusal("--from", Path.Combine(folder.Path, "empty")));
        Assert.Contains("--count must be at least 1", Refusal("--from", place, "--count", "0"));
        Assert.Contains("--method must be auto, margin", Refusal("--from", place, "--method", "best"));
        Assert.Contains("needs --from", Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_run_that_folds_measure_knows_its_images_wherever_they_are_and_the_order_of_a_list_changes_nothing()
    {
        using var photos = new Photos(("red", 3), ("blue", 3));
        var (own, _) = TrainJob.Run(new Recipe
        {
            Data = photos.Data, Model = "schane_tiny", Weights = "embedded", Loss = new SchaneLoss(), Steps = 4, InputSize = 32,
            ClassesPerBatch = 2, ImagesPerClass = 2, Threads = 1, Precision = Precision.Float32, NoProof = true,
        }, new() { Folder = photos.Run });
        var place = New(8);
        Directory.Move(photos.Data, Path.Combine(place, "moved"));
        string[] files = Directory.GetFiles(place, "*", SearchOption.AllDirectories);
        foreach (var method in Enum.GetValues<Schane.Evaluation.Selection.SelectionMethod>())
        {
            var found = SuggestJob.Run(own.Root, files, new() { Count = 3, Method = method });
            Assert.Equal((14, 6, 0), (found.Images, found.Labelled, found.Copies));
            Assert.DoesNotContain(found.Suggestions, s => s.Image.Contains("moved", StringComparison.Ordinal));
            Assert.Equal(found.Suggestions, SuggestJob.Run(own.Root, files.Reverse(), new() { Count = 3, Method = method }).Suggestions);
        }
    }

    [Theory]
    [InlineData("cat", "cat")]
    [InlineData("Röd lök (stor)", "Röd lök (stor)")]
    public void A_class_that_can_name_a_folder_does(string name, string expected) => Assert.Equal(expected, LinkFolder.FolderOf(name));

    [Fact]
    public void Classes_that_can_not_name_a_folder_have_folders_of_their_own()
    {
        string[] names = ["a/b", "a\\b", "a-b", "..", ".", " a-b", "a:b", "a\nb"];
        string[] folders = [.. names.Select(LinkFolder.FolderOf)];
        Assert.Equal(names.Length, folders.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(folders, name => Assert.DoesNotMatch(@"[/\\:\n]|^\.|^$|^ | $", name));
    }

    private string New(int images)
    {
        for (var i = 0; i < images; i++)
            folder.Write($"new/{i}.png", Green(i));
        return Path.Combine(folder.Path, "new");
    }

    private static byte[] Green(int which) => Pictures.Flat(40, 40, (byte)(10 + 20 * (which % 10)), (byte)(250 - 2 * which), 40);

    private string Refusal(params string[] flags) => SchaneProgram.Run(["suggest", run.Folder, .. flags]).Refusal();
}
