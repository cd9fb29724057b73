using System.Text;
using Schane.Data;

namespace Schane.Tests.Data.Sets;

/// <summary>Miniatures of the pickled data sets, written instruction by instruction as Python 2 and NumPy write them
/// (pickletools, protocol 2).</summary>
public sealed class PickledSetsTests : IDisposable
{
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    [Fact]
    public void Cifar100_of_python_gives_the_images_of_its_rows()
    {
        byte[] row = [1, 9, .. Enumerable.Repeat((byte)1, 1022), .. Enumerable.Repeat((byte)2, 1024), .. Enumerable.Repeat((byte)3, 1024)];
        root.Write("cifar-100-python/train",
            Pickle(("data", Array([2, 3072], [.. row, .. row])), ("fine_labels", Numbers(1, 0)), ("coarse_labels", Numbers(7, 7))));
        root.Write("cifar-100-python/meta", Pickle(("fine_label_names", Texts("apple", "fish"))));
        var images = DatasetCatalog.Open("cifar100:train", root.Path);
        Assert.Equal(["fish", "apple"], Enumerable.Range(0, 2).Select(i => images.Classes[images.LabelOf(i)]));
        Assert.Equal([1, 2, 3, 9, 2, 3], images.Read(1).Pixels[..6]);
    }

    [Fact]
    public void Pickles_for_episodes_number_their_labels_anew()
    {
        byte[] pictures = [.. Enumerable.Range(0, 3).SelectMany(i => Enumerable.Repeat((byte)i, 3072))];
        root.Write("CIFAR_FS_val.pickle", Pickle(("data", Array([3, 32, 32, 3], pictures)), ("labels", Numbers(70, 12, 70))));
        var images = DatasetCatalog.Open("cifar-fs:val", root.Path);
        Assert.Equal(["12", "70"], images.Classes);
        Assert.Equal([1, 0, 1], Enumerable.Range(0, 3).Select(images.LabelOf));
        Assert.All(images.Read(2).Pixels, p => Assert.Equal(2, p));
    }

    [Fact]
    public void The_cache_of_mini_imagenet_is_read_by_its_class_dictionary()
    {
        byte[] pictures = [.. Enumerable.Range(0, 3).SelectMany(i => Enumerable.Repeat((byte)i, 84 * 84 * 3))];
        root.Write("mini-imagenet/mini-imagenet-cache-test.pkl", Pickle(("image_data", Array([3, 84, 84, 3], pictures)),
            ("class_dict", Dictionary(("n02", Numbers(0, 2)), ("n01", Numbers(1))))));
        var images = DatasetCatalog.Open("mini-imagenet:test", root.Path);
        Assert.Equal(["n01", "n02"], images.Classes);
        Assert.Equal([1, 0, 1], Enumerable.Range(0, 3).Select(images.LabelOf));
        Assert.Equal((84, 84), (images.Read(0).Width, images.Read(0).Height));
    }

    [Fact]
    public void A_pickle_that_calls_something_is_refused()
    {
        root.Write("CIFAR_FS_val.pickle", [0x80, 2, .. "cos\nsystem\n"u8, .. "U\u0004true"u8, 0x85, (byte)'R', (byte)'.']);
        Assert.Contains("os.system",
            Assert.Throws<Schane.Checkpoints.CheckpointException>(() => DatasetCatalog.Open("cifar-fs:val", root.Path)).Message);
    }

    [Fact]
    public void A_pickle_of_something_else_or_cut_off_is_named()
    {
        foreach (var content in new byte[][] { Pickle(("other", Numbers(1))),
            Pickle(("data", Array([1, 32, 32, 3], new byte[3072])), ("labels", Texts("a"))), [0x80, 2, (byte)'}'], [] })
        {
            root.Write("CIFAR_FS_val.pickle", content);
            Assert.Contains("CIFAR_FS_val.pickle",
                Assert.ThrowsAny<SchaneException>(() => DatasetCatalog.Open("cifar-fs:val", root.Path)).Message);
        }
    }

    private static byte[] Pickle(params (string Key, byte[] Value)[] entries) => [0x80, 2, .. Dictionary(entries), (byte)'.'];

    private static byte[] Dictionary(params (string Key, byte[] Value)[] entries) =>
        [(byte)'}', (byte)'(', .. entries.SelectMany(e => (byte[])[.. Text(e.Key), .. e.Value]), (byte)'u'];

    private static byte[] Numbers(params int[] values) =>
        [(byte)']', (byte)'(', .. values.SelectMany(v => (byte[])[(byte)'K', (byte)v]), (byte)'e'];

    private static byte[] Texts(params string[] values) => [(byte)']', (byte)'(', .. values.SelectMany(Text), (byte)'e'];

    private static byte[] Text(string value) => [(byte)'U', (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    /// <summary>numpy.core.multiarray._reconstruct(ndarray, (0,), 'b') with the state (1, shape, dtype('u1', 0, 1),
    /// False, text of the bytes).</summary>
    private static byte[] Array(int[] shape, byte[] content) =>
    [
        .. "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0"u8, 0x85, .. "U\u0001b"u8, 0x87, (byte)'R',
        .. "(K\u0001("u8, .. shape.SelectMany(s => (byte[])[(byte)'M', (byte)s, (byte)(s >> 8)]), (byte)'t',
        .. "cnumpy\ndtype\nU\u0002u1K\0K\u0001"u8, 0x87, (byte)'R', .. "(K\u0003U\u0001|NNN"u8, (byte)'J', .. BitConverter.GetBytes(-1),
        (byte)'J', .. BitConverter.GetBytes(-1), .. "K\0tb"u8,
        0x89, (byte)'T', .. BitConverter.GetBytes(content.Length), .. content, (byte)'t', (byte)'b',
    ];
}
