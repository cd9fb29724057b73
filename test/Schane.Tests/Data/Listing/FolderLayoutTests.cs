using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Listing;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Listing;

/// <summary>Which folders are parts, which are classes, and what lies beside them.</summary>
public sealed class FolderLayoutTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private void Images(params string[] folders)
    {
        foreach (var name in folders)
            for (var i = 0; i < 3; i++)
                folder.Write($"{name}/{i}.png", Pictures.Flat(3, 2, (byte)i, 20, 30));
    }

    private ImageFolder Open(TopFolders top = TopFolders.Told) => ImageFolder.Open(folder.Path, new() { Top = top });

    private string Refusal(TopFolders top = TopFolders.Told) => Assert.Throws<SchaneException>(() => Open(top)).Message;

    [Theory]
    [InlineData("training_set", "test_set", "train,test")]
    [InlineData("Training", "Holdout", "train,test")]
    [InlineData("train", "eval", "train,val")]
    [InlineData("TRAIN", "dev", "train,val")]
    [InlineData("train", "Validation Set", "train,val")]
    [InlineData("train-set", "hold-out", "train,test")]
    public void Folders_named_like_parts_in_any_common_way_are_parts(string first, string second, string parts)
    {
        Images($"{first}/a", $"{first}/b", $"{second}/a", $"{second}/b");
        Assert.Equal((parts, 12), (string.Join(',', Open().Parts), Open().Count));
        Assert.Equal(["a", "b"], Open().Classes);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("test")]
    [InlineData("eval")]
    public void A_folder_named_like_a_part_among_classes_is_a_class(string name)
    {
        Images("bus", "car", name);
        Assert.Equal(9, Open().Count);
        Assert.Equal(new[] { "bus", "car", name }.Order(StringComparer.Ordinal), Open().Classes);
        Assert.Empty(Open().Parts);
    }

    [Fact]
    public void Where_a_part_would_leave_images_unread_both_readings_and_their_flags_are_named()
    {
        Images("bus", "car", "train/steam", "train/electric");
        Assert.Contains("in two ways: 'train' as parts, and the images of 'bus', 'car' are in no class folder of a part; --parts",
            Refusal());
        Assert.Contains("or 'bus', 'car', 'train' as classes; --classes says so", Refusal());
        Assert.Equal((12, 3), (Open(TopFolders.Classes).Count, Open(TopFolders.Classes).Classes.Count));
        var parts = Open(TopFolders.Parts);
        Assert.Equal((6, "Not used: 2 top folders are no parts ('bus' first)."), (parts.Count, parts.Account.Sentence));
    }

    [Fact]
    public void Images_without_classes_in_one_part_alone_are_asked_about()
    {
        Images("train/a", "train/b", "test");
        Assert.Contains("--parts leaves them out", Refusal());
        Assert.Equal("Not used: 3 images lie in no class folder ('test/0.png' first).", Open(TopFolders.Parts).Account.Sentence);
    }

    [Fact]
    public void Parts_without_one_to_train_on_are_asked_about()
    {
        Images("val/a", "val/b", "test/a", "test/b");
        Assert.Contains("none of them is for training; call one of them train; or 'test', 'val' as classes; --classes says so", Refusal());
        Assert.Equal(["test", "val"], Open(TopFolders.Classes).Classes);
        Assert.Contains("none to train on", Refusal(TopFolders.Parts));
    }

    [Fact]
    public void Folders_that_all_hold_the_same_folders_are_asked_about()
    {
        Images("2023/a", "2023/b", "2024/a", "2024/b");
        Assert.Contains("'2023', '2024' all hold the folders 'a', 'b'", Refusal());
        Assert.Equal(12, Open(TopFolders.Classes).Count);
    }

    [Fact]
    public void Two_words_for_one_part_are_refused()
    {
        Images("train/a", "train/b", "dev/a", "eval/a");
        Assert.Contains("has 'dev' and 'eval', which both mean val", Refusal());
    }

    [Fact]
    public void One_folder_that_wraps_the_classes_is_named()
    {
        Images("photos/a", "photos/b");
        Assert.Contains("photos' holds the folders 'a', 'b': name that folder.", Refusal());
    }

    [Fact]
    public void What_is_not_read_is_counted_by_kind_in_one_sentence()
    {
        Images("a", "b");
        foreach (var name in new[] { "a/1.HEIC", "b/2.heif", "a/3.tif", "a/4.avif", "loose.png", "b/notes.txt", "readme.md" })
            folder.Write(name, [1, 2, 3]);
        folder.Write("a/camera", [0, 0, 0, 24, .. "ftypheic"u8, 0, 0, 0, 0]);
        Assert.Equal("Not used: 3 HEIC, 1 TIFF and 1 AVIF files can't be read: save them as JPEG; 2 other files are no images " +
            "('b/notes.txt' first); 1 image lies in no class folder ('loose.png').", Open().Account.Sentence);
        var data = DividedData.Open(folder.Path);
        Assert.Equal(Open().Account.Sentence, data.Warnings[0]);
        Assert.Equal(3, data.Splits!.NotUsed!["HEIC"]);
        var file = Path.Combine(folder.Path, "splits.json");
        data.Splits.Save(file);
        Assert.Equal(2, Splits.Load(file).NotUsed!["no image"]);
    }

    [Fact]
    public void Folders_of_systems_are_passed_over_everywhere()
    {
        Images("a", "b", "@eaDir/a.png", "a/@eaDir", "$RECYCLE.BIN/x", "a/lost+found", "System Volume Information", "b/__MACOSX");
        Assert.Equal((6, 2), (Open().Count, Open().Classes.Count));
        Assert.Null(Open().Account.Sentence);
    }

    [Fact]
    public void Links_in_circles_where_there_are_no_images_end()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        Images("val/a", "val/b");
        var empty = Directory.CreateDirectory(Path.Combine(folder.Path, "train", "a")).FullName;
        foreach (var name in (string[])["one", "two", "three"])
            Directory.CreateSymbolicLink(Path.Combine(empty, name), empty);
        var message = Refusal();
        Assert.DoesNotContain("  ", message);
    }

    [Fact]
    public void A_folder_without_images_says_what_it_holds_instead()
    {
        folder.Write("a/0.tif", [1, 2, 3]);
        folder.Write("b/0.heic", [1, 2, 3]);
        Assert.Contains("holds no images in its 2 folders. Not used: 1 TIFF and 1 HEIC files can't be read: save them as JPEG. It should",
            Refusal());
    }

    [Fact]
    public void A_loop_through_a_folder_above_the_data_is_found_and_links_that_lead_out_are_told()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        Images("in/photos/a", "in/photos/b", "elsewhere", "far");
        var photos = Path.Combine(folder.Path, "in", "photos");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "here"), Path.Combine(folder.Path, "in"));
        Directory.CreateSymbolicLink(Path.Combine(photos, "c"), Path.Combine(folder.Path, "elsewhere"));
        File.CreateSymbolicLink(Path.Combine(photos, "a", "far.png"), Path.Combine(folder.Path, "far", "0.png"));
        var images = ImageFolder.Open(photos);
        Assert.Equal(10, images.Count);
        Assert.Contains("2 links lead out of", Assert.Single(images.Account.Notes));
        foreach (var up in new[] { folder.Path, Path.Combine(folder.Path, "here"), Path.Combine(folder.Path, "here", "photos") })
        {
            var link = Directory.CreateSymbolicLink(Path.Combine(photos, "b", "up"), up);
            foreach (var name in new[] { photos, Path.Combine(folder.Path, "here", "photos") })
                Assert.Contains("b/up' is a link to a folder above it, a loop",
                    Assert.Throws<SchaneException>(() => ImageFolder.Open(name)).Message);
            link.Delete();
        }
    }

    [Fact]
    public void Class_folders_in_composed_and_decomposed_letters_are_one_class_and_case_is_asked_about()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems take the two names for one.");
        Images("caf\u00e9", "cafe\u0301", "Cat", "cat");
        Assert.Equal(["Cat", "caf\u00e9", "cat"], Open().Classes);
        Assert.Equal(12, Open().Count);
        Assert.Contains(Open().Account.Notes, n => n.Contains("'caf\u00e9' is written in composed and in decomposed"));
        Assert.Contains(Open().Account.Notes, n => n.Contains("The classes 'Cat' and 'cat' differ by case or white space alone"));
    }

    [Theory]
    [InlineData("e\u0302\u0301", "\u1ebf")]
    [InlineData("e\u0323\u0302", "\u1ec7")]
    [InlineData("\u1112\u1161\u11ab", "\ud55c")]
    [InlineData("\u304b\u3099", "\u304c")]
    [InlineData("\u0438\u0306", "\u0439")]
    [InlineData("q\u0301", "q\u0301")]
    [InlineData("a\u0327\u030a", "\u00e5\u0327")]
    public void Letters_and_marks_are_put_together_as_form_C_has_them(string apart, string together) =>
        Assert.Equal(together, Composed.Of(apart));

    [Fact]
    public void A_part_of_a_folder_is_found_by_its_other_names()
    {
        Images("training_set/a", "training_set/b", "test_set/a");
        Assert.Equal((6, 3), (DatasetCatalog.Open($"{folder.Path}:train").Count, DatasetCatalog.Open($"{folder.Path}:test").Count));
    }
}
