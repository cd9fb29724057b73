using System.IO.Compression;
using Schane.Data.Sets;
using Schane.Tests.Support;

namespace Schane.Tests.Data.Sets;

public class OmniglotTests
{
    private static readonly Lazy<OmniglotDataset> Small1 = new(() => OmniglotDataset.Background("small1"));

    [Fact, Needs(Needs.Omniglot)]
    public void The_first_small_set_has_its_published_size()
    {
        // 20 drawers; 24 + 24 + 22 + 40 + 26 characters (readme of the archive).
        Assert.Equal(["Balinese", "Early_Aramaic", "Greek", "Korean", "Latin"], Small1.Value.Alphabets);
        Assert.Equal(136 * 4, Small1.Value.Classes.Count);
        Assert.Equal(136 * 4 * 20, Small1.Value.Count);
        Assert.Equal(156, OmniglotDataset.Background("small2", rotations: false).Classes.Count);
    }

    [Fact, Needs(Needs.Omniglot)]
    public void Ink_is_255_and_covers_a_small_part_of_the_paper()
    {
        var image = Small1.Value.Read(0);
        Assert.Equal((105, 105, 1), (image.Width, image.Height, image.Channels));
        Assert.True(image.Pixels.All(p => p is 0 or 255));
        Assert.InRange(image.Pixels.Count(p => p == 255) / 11025.0, 0.01, 0.2);
    }

    [Fact, Needs(Needs.Omniglot)]
    public void Rotations_are_classes_turned_counter_clockwise()
    {
        var set = Small1.Value;
        var upright = set.Read(0).Pixels;
        foreach (var degrees in new[] { 90, 180, 270 })
        {
            var index = Enumerable.Range(0, set.Count).First(i => set.NameOf(i) == $"{set.NameOf(0)}@{degrees}");
            var (turned, expected) = (set.Read(index).Pixels, upright);
            for (var k = 0; k < degrees / 90; k++)
                // numpy's rot90: out[r, c] = in[c, n − 1 − r]
                expected = [.. Enumerable.Range(0, 105 * 105).Select(i => expected[i % 105 * 105 + 104 - i / 105])];
            Assert.Equal(expected, turned);
            Assert.Equal(degrees, set.RotationOf(set.LabelOf(index)));
        }
    }

    [Fact, Needs(Needs.Omniglot)]
    public void A_subset_of_alphabets_keeps_the_images_and_renumbers_the_classes()
    {
        var greek = Small1.Value.Only("Greek");
        Assert.Equal(24 * 4, greek.Classes.Count);
        Assert.Equal([.. Enumerable.Range(0, 96)], Enumerable.Range(0, greek.Count).Select(greek.LabelOf).Distinct().Order());
        Assert.All(Enumerable.Range(0, greek.Count), i => Assert.StartsWith("Greek/", greek.NameOf(i)));
        Assert.All(Enumerable.Range(0, greek.Count), i => Assert.Equal(greek.NameOf(i)[..17], greek.Classes[greek.LabelOf(i)][..17]));
        Assert.Equal([.. Enumerable.Range(1, 20)], Enumerable.Range(0, greek.Count).Select(greek.DrawerOf).Distinct().Order());
    }

    [Fact, Needs(Needs.Omniglot)]
    public void The_official_runs_are_twenty_times_twenty_with_each_class_once()
    {
        var runs = OmniglotRuns.Load();
        Assert.Equal([.. Enumerable.Range(1, 20).Select(i => $"run{i:00}")], runs.Select(r => r.Name));
        Assert.All(runs, r => Assert.Equal((20, 20), (r.Training.Count, r.Test.Count)));
        Assert.All(runs, r => Assert.Equal([.. Enumerable.Range(0, 20)], r.Truth.Order()));
        // run01/class_labels.txt opens with item01 class08, item02 class09, item03 class02.
        Assert.Equal([7, 8, 1], runs[0].Truth.Take(3));
    }

    [Fact]
    public void A_missing_archive_says_where_it_was_looked_for_and_where_to_get_it()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<SchaneException>(() => OmniglotDataset.Background("background", dataRoot: folder.Path));
        Assert.Contains(folder.Path, error.Message);
        Assert.Contains("brendenlake/omniglot", error.Message);
    }

    [Fact]
    public void An_unknown_part_is_refused_by_name() =>
        Assert.Contains("small3", Assert.Throws<SchaneException>(() => OmniglotDataset.Background("small3")).Message);

    [Fact]
    public void A_damaged_archive_is_named()
    {
        using var folder = new TemporaryFolder();
        folder.Write("omniglot/images_background_small1.zip", "PK, but no archive"u8.ToArray());
        Assert.Contains("images_background_small1.zip",
            Assert.Throws<SchaneException>(() => OmniglotDataset.Background("small1", dataRoot: folder.Path)).Message);
    }

    [Fact]
    public void A_miniature_archive_is_read_and_an_image_of_another_size_refused()
    {
        using var folder = new TemporaryFolder();
        var page = new byte[105 * 105];
        Array.Fill(page, (byte)255);
        page[0] = 0;                                                      // one dot of ink, top left
        folder.Write("omniglot/images_background_small2.zip",
            Zip(("images_background_small2/A/character01/0001_07.png", Pictures.Png(105, 105, 8, 0, page))));
        var set = OmniglotDataset.Background("small2", rotations: false, folder.Path);
        Assert.Equal(["A/character01"], set.Classes);
        Assert.Equal(7, set.DrawerOf(0));
        Assert.Equal([255, 0], set.Read(0).Pixels[..2]);

        folder.Write("omniglot/images_background_small2.zip",
            Zip(("images_background_small2/A/character01/0001_07.png", Pictures.Flat(20, 20, 0, 0, 0))));
        Assert.Contains("20 × 20",
            Assert.Throws<SchaneException>(() => OmniglotDataset.Background("small2", dataRoot: folder.Path)).Message);
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, content) in files)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        return stream.ToArray();
    }
}
