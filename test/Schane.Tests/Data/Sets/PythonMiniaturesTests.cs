using Schane.Data;
using Schane.Data.Reading;
using Schane.Data.Sets;
using Schane.Data.Transforms;

namespace Schane.Tests.Data.Sets;

/// <summary>Readers on files that Debian's NumPy and SciPy wrote: Miniatures/write.py. Image i is of the
/// value (i, i + 1, i + 2).</summary>
public class PythonMiniaturesTests
{
    private static string Root(string name) => Path.Combine(AppContext.BaseDirectory, "Data", "Miniatures", name);

    private static void Check(string root, string spec, params string[] classes)
    {
        var images = DatasetCatalog.Open(spec, Root(root));
        Assert.Equal(spec, images.Name);
        Assert.Equal(classes, Enumerable.Range(0, images.Count).Select(i => images.Classes[images.LabelOf(i)]));
        for (byte i = 0; i < images.Count; i++)
        {
            var picture = images.Read(i);
            Assert.Equal(3, picture.Channels);
            Assert.Equal(picture.Width * picture.Height * 3, picture.Pixels.Length);
            // Files of CIFAR-10 hold one image each, every one the first.
            byte first = spec == "cifar10:train" ? (byte)0 : i;
            Assert.All(picture.Pixels.Chunk(3), p => Assert.Equal([first, (byte)(first + 1), (byte)(first + 2)], p));
        }
    }

    [Theory]
    [InlineData("protocol2")]
    [InlineData("protocol4")]
    public void Pickles_of_the_published_sets_are_read(string root)
    {
        Check(root, "cifar100:train", "fish", "apple", "fish");
        Check(root, "cifar10:train", "car", "plane", "car", "plane", "car");
        Check(root, "cifar-fs:val", "70", "12", "70");
        Check(root, "fc100:test", "40", "3");
        Check(root, "mini-imagenet:test", "n02", "n01", "n02");
    }

    [Theory]
    [InlineData("protocol2")]
    [InlineData("protocol4")]
    public void TieredImageNet_is_read_as_a_pickled_list_of_png_files_where_it_lies(string root)
    {
        Check(root, "tiered-imagenet:val", "lynx", "tabby cat", "lynx");      // arrays of bytes
        Check(root, "tiered-imagenet:train", "lynx", "tabby cat", "lynx");    // bytes; in protocol 2 a text of Latin-1 letters
    }

    [Theory]
    [InlineData("three.gif")]
    [InlineData("three.webp")]
    [InlineData("three.png")]                                             // fcTL chunks: an APNG
    public void An_animation_is_its_first_frame_decoded_whole_and_cut_to_a_crop(string name)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Root("animated"), name));
        Assert.True(System.Text.Encoding.Latin1.GetString(bytes).Split(["ANMF", "fcTL", "\u0021\u00F9\u0004"],
            StringSplitOptions.None).Length - 1 >= 3, "the file has fewer than three frames");
        var picture = ImageDecoder.Decode(bytes, name);
        Assert.Equal((6, 4, 3), (picture.Width, picture.Height, picture.Channels));
        byte[] Row(int repeat) => [.. Enumerable.Repeat((byte[])[200, 30, 60], repeat).SelectMany(p => p),
            .. Enumerable.Repeat((byte[])[10, 120, 240], repeat).SelectMany(p => p)];
        Assert.Equal(Enumerable.Repeat(Row(3), 4).SelectMany(r => r), picture.Pixels);
        var pipeline = new ImagePipeline(new(3, 4, [0f, 0f, 0f], [1f, 1f, 1f]), new RandomResizedCrop(4));
        var output = new float[3 * 4 * 4];
        var random = new Schane.Tensors.SampleRandom(1);
        pipeline.ApplyToFile(bytes, name, ImageLimits.Default, ref random, output);
        Assert.All(output[..16], red => Assert.InRange(red, 9.5f / 255, 200.5f / 255));      // the red of later frames is 0, 1, 250 and 255
    }

    [Fact]
    public void TieredImageNet_is_read_as_an_npz_archive() => Check("protocol2", "tiered-imagenet:test", "lynx", "tabby cat", "lynx");

    [Fact]
    public void A_pickle_of_images_that_is_cut_off_or_none_is_named()
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(Path.Combine(Root("protocol2"), "tiered-imagenet", "val_images_png.pkl"));
        foreach (var bytes in new[] { whole[..^1], whole[..400], [], "<html>"u8.ToArray(), [(byte)'B', 255, 255, 255, 255, 1],
            [(byte)'\x8e', 255, 255, 255, 255, 255, 255, 255, 255] })
            Assert.Contains("x.pkl", Assert.Throws<SchaneException>(() => PickledBytes.Find(folder.Write("x.pkl", bytes))).Message);
    }

    [Fact]
    public void Images_and_labels_that_are_not_as_many_are_refused()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in new[] { "val_labels.pkl", "val_images_png.pkl" })
            folder.Write(file, File.ReadAllBytes(Path.Combine(Root("protocol2"), "tiered-imagenet", file)));
        folder.Write("val_images_png.pkl", [0x80, 2, (byte)']', (byte)'.']);
        Assert.Contains("0 images but 3 labels",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open("tiered-imagenet:val", folder.Path)).Message);
    }

    [Theory]
    [InlineData("flowers-plain")]
    [InlineData("flowers-packed")]
    public void Matlab_files_that_scipy_wrote_are_read(string root)
    {
        List<(string, string)> Listed(string part)
        {
            var images = DatasetCatalog.Open($"flowers102:{part}", Root(root));
            return [.. Enumerable.Range(0, images.Count).Select(i => (images.NameOf(i), images.Classes[images.LabelOf(i)]))];
        }
        Assert.Equal([("jpg/image_00003.jpg", "001")], Listed("train"));
        Assert.Equal([("jpg/image_00001.jpg", "077")], Listed("val"));
        Assert.Equal([("jpg/image_00002.jpg", "002"), ("jpg/image_00001.jpg", "077")], Listed("test"));
    }
}
