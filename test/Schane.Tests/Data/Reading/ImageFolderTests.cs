using Schane.Data.Reading;

namespace Schane.Tests.Data.Reading;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private void Picture(string relative, byte shade = 10) => folder.Write(relative, Pictures.Flat(3, 2, shade, 20, 30));

    private string Refusal(FolderOptions? options = null) =>
        Assert.Throws<SchaneException>(() => ImageFolder.Open(folder.Path, options)).Message;

    [Fact]
    public void Classes_are_folders_and_extensions_don_t_matter()
    {
        Picture("cat/a.PNG");
        Picture("cat/deeper/b.jpeg");                                     // a PNG, whatever it is called
        Picture("dog/noextension");
        folder.Write("dog/notes.txt", "hello"u8.ToArray());
        folder.Write("dog/Thumbs.db", [1, 2, 3]);
        folder.Write("dog/._c.png", [0, 5, 22, 7]);                       // macOS writes these
        folder.Write("__MACOSX/cat/x.png", [0]);
        folder.Write(".hidden/x.png", [0]);
        var images = ImageFolder.Open(folder.Path);
        Assert.Equal(["cat", "dog"], images.Classes);
        Assert.Equal(["cat/a.PNG", "cat/deeper/b.jpeg", "dog/noextension"], Enumerable.Range(0, images.Count).Select(images.NameOf));
        Assert.Equal([0, 0, 1], Enumerable.Range(0, images.Count).Select(images.LabelOf));
        Assert.Equal(["dog/Thumbs.db", "dog/notes.txt"], images.Strays.Order(StringComparer.Ordinal));
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal((3, 2), (images.Read(i).Width, images.Read(i).Height)));
        Assert.Empty(images.Parts);
    }

    [Fact]
    public void Train_val_and_test_folders_are_parts()
    {
        foreach (var file in new[] { "Train/a/1.png", "Train/a/2.png", "Train/b/1.png", "Train/b/2.png", "valid/a/3.png", "test/b/4.png" })
            Picture(file);
        var images = ImageFolder.Open(folder.Path);
        Assert.Equal(["train", "val", "test"], images.Parts);
        Assert.Equal(["a", "b"], images.Classes);
        Assert.Equal("val", images.PartOf(Enumerable.Range(0, images.Count).Single(i => images.NameOf(i) == "valid/a/3.png")));
    }

    [Fact]
    public void A_missing_folder_a_file_and_an_unlistable_path_are_refused_by_name()
    {
        Picture("x/1.png");
        Assert.Contains("nowhere", Assert.Throws<SchaneException>(() => ImageFolder.Open(Path.Combine(folder.Path, "nowhere"))).Message);
        Assert.Contains("is a file", Assert.Throws<SchaneException>(() => ImageFolder.Open(Path.Combine(folder.Path, "x/1.png"))).Message);
        Assert.Contains("There is no folder",
            Assert.Throws<SchaneException>(() => ImageFolder.Open(Path.Combine(folder.Path, "x/1.png/below"))).Message);
    }

    [Fact]
    public void An_empty_folder_is_refused() => Assert.Contains("is empty", Refusal());

    [Fact]
    public void Images_without_class_folders_are_refused_with_an_example()
    {
        Picture("one.png");
        Assert.Contains("CLASS/one.png", Refusal());
    }

    [Fact]
    public void Folders_without_a_single_image_are_refused()
    {
        folder.Write("a/readme.txt", "x"u8.ToArray());
        Assert.Contains("holds no images", Refusal());
    }

    [Fact]
    public void One_class_is_refused_unless_allowed()
    {
        Picture("only/1.png");
        Assert.Contains("one class, 'only'", Refusal());
        Assert.Single(ImageFolder.Open(folder.Path, new() { MinClasses = 1 }).Classes);
    }

    [Fact]
    public void A_class_without_images_is_refused_or_left_out_with_a_warning()
    {
        foreach (var file in new[] { "a/1.png", "a/2.png", "b/1.png", "b/2.png" })
            Picture(file);
        Directory.CreateDirectory(Path.Combine(folder.Path, "empty"));
        Assert.Contains("Class 'empty' has no images", Refusal());
        var images = ImageFolder.Open(folder.Path, new() { AllowEmptyClasses = true });
        Assert.Equal(["a", "b"], images.Classes);
        Assert.Contains("Class 'empty' has no images", Assert.Single(images.Warnings));
    }

    [Fact]
    public void A_class_with_one_image_passes_with_a_warning()
    {
        foreach (var file in new[] { "a/1.png", "a/2.png", "b/1.png" })
            Picture(file);
        Assert.Contains("Class 'b' has one image", Assert.Single(ImageFolder.Open(folder.Path).Warnings));
    }

    [Fact]
    public void A_class_that_is_tested_but_not_trained_is_refused()
    {
        foreach (var file in new[] { "train/a/1.png", "train/b/1.png", "test/c/1.png" })
            Picture(file);
        Assert.Contains("Class 'c' is in test/", Refusal());
    }

    [Fact]
    public void A_loop_of_links_is_refused_and_a_link_elsewhere_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        using var other = new TemporaryFolder();
        other.Write("1.png", Pictures.Flat(3, 2, 1, 2, 3));
        Picture("a/1.png");
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "b"), other.Path);
        Assert.Equal(2, ImageFolder.Open(folder.Path).Count);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "a", "up"), folder.Path);
        Assert.Contains("a/up' is a link to a folder above it", Refusal());
    }

    [Fact]
    public void A_link_to_itself_and_one_to_nowhere_are_named()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        Picture("a/1.png");
        Picture("b/1.png");
        File.CreateSymbolicLink(Path.Combine(folder.Path, "a", "self.png"), Path.Combine(folder.Path, "a", "self.png"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "b", "gone.png"), Path.Combine(folder.Path, "gone.png"));
        var images = ImageFolder.Open(folder.Path);
        foreach (var bad in new[] { "self.png", "gone.png" })
            Assert.Contains(bad, Assert.Throws<SchaneException>(() => images.Read(Enumerable.Range(0, images.Count)
                .Single(i => images.NameOf(i).EndsWith(bad, StringComparison.Ordinal)))).Message);
    }

    [Fact]
    public void Odd_names_are_read_and_printed_escaped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such names.");
        foreach (var name in new[] { "two words", "Straße 猫", "line\nbreak", "\u001b[31m[red]" })
            Picture($"{name}/1 2.png");
        var images = ImageFolder.Open(folder.Path);
        Assert.Equal(["\u001b[31m[red]", "line\nbreak", "two words", "Straße 猫"],
            images.Classes.OrderBy(c => c, StringComparer.Ordinal).OrderBy(c => c[0] == 'S'));
        Assert.All(Enumerable.Range(0, 4), i => images.Read(i));
        Assert.Contains(images.Warnings, w => w.Contains("'line\\nbreak'"));
        Assert.Contains(images.Warnings, w => w.Contains("'\\e[31m[red]'"));
    }

    [Fact]
    public void A_file_that_goes_away_after_the_listing_is_named_when_it_is_read()
    {
        Picture("a/1.png");
        Picture("b/1.png");
        var images = ImageFolder.Open(folder.Path);
        File.Delete(images.PathOf(1));
        Assert.Contains("b/1.png", Assert.Throws<SchaneException>(() => images.Read(1)).Message);
    }

    [Fact]
    public void Empty_files_are_listed_and_fail_when_read() => EmptyFiles(classes: 3, each: 50);

    [Fact, Trait("Slow", "1")]
    public void A_hundred_thousand_empty_files_are_listed_in_seconds() => EmptyFiles(classes: 1000, each: 100);

    private void EmptyFiles(int classes, int each)
    {
        for (var c = 0; c < classes; c++)
        {
            var below = Directory.CreateDirectory(Path.Combine(folder.Path, $"{c}")).FullName;
            for (var i = 0; i < each; i++)
                File.Create(Path.Combine(below, $"{i}.jpg")).Dispose();
        }
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var images = ImageFolder.Open(folder.Path);
        Assert.Equal(classes * each, images.Count);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
        Assert.Contains("it is empty", Assert.Throws<SchaneException>(() => images.Read(9)).Message);
    }
}
