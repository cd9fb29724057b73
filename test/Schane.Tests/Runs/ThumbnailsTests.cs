using Schane.Data;
using Schane.Data.Reading;
using Schane.Runs;
using Schane.Tensors;
using Schane.Tests.Data;

namespace Schane.Tests.Runs;

public sealed class ThumbnailsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(400, 300, 3, 96, 72)]
    [InlineData(105, 105, 1, 96, 96)]
    [InlineData(28, 20, 1, 28, 20)]
    [InlineData(3000, 2, 3, 96, 1)]
    public void A_image_has_at_most_96_pixels_a_side_and_2048_bytes_and_is_never_enlarged(int width, int height, int channels,
        int smallWidth, int smallHeight)
    {
        var webp = Thumbnails.Of(Even(width, height, channels));
        var small = ImageDecoder.Decode(webp, "small.webp");
        Assert.Equal((smallWidth, smallHeight), (small.Width, small.Height));
        Assert.InRange(webp.Length, 1, 2048);
        Assert.InRange(small.Pixels[0], 196, 204);                        // the colour it was
    }

    [Fact]
    public void Noise_which_nothing_can_compress_is_kept_smaller()
    {
        var random = new SampleRandom(1);
        var pixels = new byte[500 * 500 * 3];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(random.Below(2) * 255);
        Assert.InRange(Thumbnails.Of(new(96, 96, 3, pixels[..(96 * 96 * 3)])).Length, 1, 2048);
        Assert.InRange(Thumbnails.Of(new(500, 500, 3, pixels)).Length, 1, 2048);
    }

    [Fact]
    public void Images_are_found_by_part_and_name_whatever_stands_in_the_name()
    {
        var data = new Named(["../../a", "<b>", "a/b\\c:d*?", "long" + new string('x', 400)]);
        var thumbnails = new Thumbnails(Path.Combine(folder.Path, "thumbnails"));
        thumbnails.Keep("test", data, [.. data.Names.Take(3), "unheard of"]);
        Assert.All(data.Names.Take(3), name => Assert.NotNull(thumbnails.Find("test", name)));
        Assert.Null(thumbnails.Find("train", data.Names[0]));
        Assert.Null(thumbnails.Find("test", data.Names[3]));
        Assert.Equal(3, Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Where_time_is_short_every_class_has_some()
    {
        var data = new FakeDataset([0, 0, 0, 0, 1, 1, 1, 1]);
        var thumbnails = new Thumbnails(Path.Combine(folder.Path, "thumbnails"));
        var left = 4;
        thumbnails.Keep("test", data, Enumerable.Range(0, 8).Select(data.NameOf), () => Interlocked.Decrement(ref left) >= 0,
            TestContext.Current.CancellationToken);
        var kept = Enumerable.Range(0, 8).Where(i => thumbnails.Find("test", data.NameOf(i)) is not null).ToList();
        Assert.Equal(4, kept.Count);
        Assert.InRange(kept.Count(i => i < 4), 1, 3);
    }

    [Fact]
    public void An_image_that_can_not_be_read_is_named()
    {
        var thumbnails = new Thumbnails(folder.Path);
        Assert.Equal("'image1' is broken.",
            Assert.Throws<SchaneException>(() => thumbnails.Keep("train", new FakeDataset([0, 0], 1), ["image0", "image1"])).Message);
    }

    [Fact]
    public void A_place_that_can_not_be_written_is_named_with_the_way_out()
    {
        folder.Write("file", [1]);
        var thumbnails = new Thumbnails(Path.Combine(folder.Path, "file"));
        Assert.Contains("--no-thumbnails",
            Assert.Throws<SchaneException>(() => thumbnails.Keep("train", new FakeDataset([0]), ["image0"])).Message);
    }

    private static Image8 Even(int width, int height, int channels)
    {
        var pixels = new byte[width * height * channels];
        Array.Fill(pixels, (byte)200);
        return new(width, height, channels, pixels);
    }

    private sealed class Named(string[] names) : IImageDataset
    {
        public string[] Names => names;

        public string Name => "named";

        public IReadOnlyList<string> Classes => ["only"];

        public int Count => names.Length;

        public int LabelOf(int index) => 0;

        public string NameOf(int index) => names[index];

        public Image8 Read(int index) => Even(8, 8, 3);
    }
}
