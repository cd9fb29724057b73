using Schane.Data.Reading;

namespace Schane.Tests.Data.Reading;

public sealed class FolderCheckTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Reports_formats_and_the_smallest_the_middle_and_the_largest_size()
    {
        folder.Write("a/1.png", Pictures.Flat(30, 20, 1, 2, 3));
        folder.Write("a/2.png", Pictures.Flat(5, 8, 4, 5, 6));
        folder.Write("b/3.jpg", Pictures.CmykJpeg());                     // 8 × 8
        var report = new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken);
        Assert.Equal([("PNG", 2), ("JPEG", 1)], report.Formats.Select(f => (f.Key, f.Value)));
        Assert.Equal([5, 8], report.Sizes!.Smallest);
        Assert.Equal([8, 8], report.Sizes.Median);
        Assert.Equal([30, 20], report.Sizes.Largest);
        Assert.Equal(2, report.Imbalance);
    }

    private void Picture(string relative, byte shade) => folder.Write(relative, Pictures.Flat(3, 2, shade, 20, 30));

    [Fact]
    public void Reports_counts_bad_files_wrong_names_and_duplicates()
    {
        byte shade = 0;
        for (var i = 0; i < 6; i++)
        {
            Picture($"train/a/{i}.png", shade++);
            Picture($"train/b/{i}.png", shade++);
        }
        Picture("train/few/1.png", shade++);
        Picture("train/few/2.jpg", shade++);                              // a PNG by content
        Picture("test/a/copy.png", 0);                                    // the same bytes as train/a/0.png
        Picture("test/b/other.png", shade++);
        Picture("train/b/wrong.png", 2);                                  // the same bytes as train/a/1.png, under another class
        folder.Write("train/b/text.jpg", "this is text"u8.ToArray());
        folder.Write("train/b/empty.jpg", []);
        var cut = Pictures.Flat(40, 40, 1, 2, 3);
        folder.Write("train/b/cut.png", cut[..(cut.Length / 2)]);
        folder.Write("train/b/huge.png", Pictures.HugePng(20000, 20000));
        folder.Write("train/b/notes.txt", "x"u8.ToArray());

        var report = new FolderCheck { Workers = 2 }.Run(folder.Path, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(21, report.Images);
        Assert.Equal(new Dictionary<string, int> { ["PNG"] = 17 }, report.Formats);
        Assert.Equal(6, report.Imbalance);
        Assert.Equal([("a", 7, 6, 1), ("b", 12, 11, 1), ("few", 2, 2, 0)],
            report.Classes.Select(c => (c.Class, c.Images, c.Parts["train"], c.Parts["test"])));
        Assert.Equal(["train/b/cut.png", "train/b/empty.jpg", "train/b/huge.png", "train/b/text.jpg"],
            report.Unreadable.Select(u => u.File).Order());
        Assert.Contains(report.Unreadable, u => u.Problem.Contains("20000 × 20000"));
        Assert.Equal("train/few/2.jpg", Assert.Single(report.Misnamed).File);
        Assert.Contains("is a PNG, not a JPEG", report.Misnamed[0].Problem);
        Assert.Equal(
            [("test/a/copy.png+train/a/0.png", true, false), ("train/a/1.png+train/b/wrong.png", false, true)],
            report.Duplicates.Select(d => (string.Join('+', d.Files.Order()), d.AcrossParts, d.AcrossClasses)).Order());
        Assert.Equal([("few", 2)], report.TooSmall.Select(c => (c.Class, c.Images)));
        Assert.Equal(["train/b/notes.txt"], report.NotUsed["no image"]);
        Assert.False(report.IsClean);
    }

    [Fact]
    public void A_clean_folder_is_clean_and_nothing_in_it_changes()
    {
        for (byte i = 0; i < 5; i++)
        {
            Picture($"a/{i}.png", i);
            Picture($"b/{i}.png", (byte)(100 + i));
        }
        var before = Snapshot();
        var report = new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken);
        Assert.True(report.IsClean);
        Assert.Empty(report.TooSmall);
        Assert.Empty(report.Warnings);
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void One_class_is_reported_rather_than_refused()
    {
        Picture("only/1.png", 1);
        Assert.Contains(new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken).Warnings,
            w => w.Contains("one class, 'only'"));
    }

    private List<(string, DateTime, long)> Snapshot() =>
        [.. Directory.GetFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).Order()
            .Select(f => (f, File.GetLastWriteTimeUtc(f), File.Exists(f) ? new FileInfo(f).Length : 0))];
}
