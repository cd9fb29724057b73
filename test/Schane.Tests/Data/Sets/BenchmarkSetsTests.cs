using System.IO.Compression;
using System.Text;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Sets;

/// <summary>Each reader on a miniature of the official layout, traps included.</summary>
public sealed partial class BenchmarkSetsTests : IDisposable
{
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    private void Text(string path, string content) => root.Write(path, Encoding.UTF8.GetBytes(content));

    private void Picture(string path) => root.Write(path, Pictures.Flat(3, 2, 1, 2, 3));

    private List<(string Name, string Class)> Open(string spec)
    {
        var images = DatasetCatalog.Open(spec, root.Path);
        Assert.Equal(spec, images.Name);
        return [.. Enumerable.Range(0, images.Count).Select(i => (images.NameOf(i), images.Classes[images.LabelOf(i)]))];
    }

    private string Refusal(string spec) => Assert.Throws<SchaneException>(() => DatasetCatalog.Open(spec, root.Path)).Message;

    /// <summary>A record whose planes are red 1, green 2, blue 3, but for the second red sample.</summary>
    private static byte[] CifarRecord(params byte[] labels) =>
        [.. labels, 1, 9, .. Enumerable.Repeat((byte)1, 1022), .. Enumerable.Repeat((byte)2, 1024), .. Enumerable.Repeat((byte)3, 1024)];

    [Fact]
    public void Cifar100_takes_the_second_label_and_turns_planes_into_pixels()
    {
        root.Write("cifar-100-binary/train.bin", [.. CifarRecord(5, 1), .. CifarRecord(6, 0)]);
        Text("cifar-100-binary/fine_label_names.txt", "apple\nfish\n\n");
        Assert.Equal(["fish", "apple"], Open("cifar100:train").Select(i => i.Class));
        Assert.Equal([1, 2, 3, 9, 2, 3, 1], DatasetCatalog.Open("cifar100", root.Path).Read(0).Pixels[..7]);
        Assert.Contains("test.bin", Refusal("cifar100:test"));
        root.Write("cifar-100-binary/test.bin", CifarRecord(5, 1)[..3000]);
        Assert.Contains("3000 bytes", Refusal("cifar100:test"));
    }

    [Fact]
    public void Cifar10_joins_its_five_files()
    {
        for (byte i = 1; i <= 5; i++)
            root.Write($"cifar-10-batches-bin/data_batch_{i}.bin", CifarRecord((byte)(i % 2)));
        Text("cifar-10-batches-bin/batches.meta.txt", "plane\ncar\n\n");
        Assert.Equal(["car", "plane", "car", "plane", "car"], Open("cifar10:train").Select(i => i.Class));
    }

    [Fact]
    public void Fc100_divides_by_superclass_and_numbers_labels_anew()
    {
        root.Write("cifar-100-binary/train.bin", [.. CifarRecord(0, 4), .. CifarRecord(1, 1), .. CifarRecord(8, 2)]);
        root.Write("cifar-100-binary/test.bin", [.. CifarRecord(7, 3), .. CifarRecord(0, 4)]);
        Text("cifar-100-binary/fine_label_names.txt", "a\nb\nc\nd\ne\n");
        Assert.Equal(["b"], Open("fc100:train").Select(i => i.Class));
        Assert.Equal(["c"], Open("fc100:val").Select(i => i.Class));
        Assert.Equal(["e", "d", "e"], Open("fc100:test").Select(i => i.Class));
        Assert.Equal(["d", "e"], DatasetCatalog.Open("fc100:test", root.Path).Classes);
    }

    [Fact]
    public void Cub_counts_from_one_and_marks_training_by_1()
    {
        Text("CUB_200_2011/images.txt", "1 001.Black/a_1.jpg\n2 002.White/b_1.jpg\n3 002.White/b_2.jpg\n");
        Text("CUB_200_2011/image_class_labels.txt", "1 1\n2 2\n3 2\n");
        Text("CUB_200_2011/train_test_split.txt", "1 1\n2 0\n3 1\n");
        Text("CUB_200_2011/classes.txt", "1 001.Black\n2 002.White\n");
        Assert.Equal([("images/001.Black/a_1.jpg", "001.Black"), ("images/002.White/b_2.jpg", "002.White")], Open("cub:train"));
        Assert.Equal([("images/002.White/b_1.jpg", "002.White")], Open("cub:test"));
        Text("CUB_200_2011/images.txt", "1 001.Black/a_1.jpg\n1 002.White/b_1.jpg\n");
        Assert.Contains("the id 1 twice", Refusal("cub:train"));
    }

    [Fact]
    public void A_limit_on_pixels_holds_for_files_of_named_sets()
    {
        Text("CUB_200_2011/images.txt", "1 001.Black/a_1.jpg\n2 002.White/b_1.jpg\n");
        Text("CUB_200_2011/image_class_labels.txt", "1 1\n2 2\n");
        Text("CUB_200_2011/train_test_split.txt", "1 1\n2 0\n");
        Text("CUB_200_2011/classes.txt", "1 001.Black\n2 002.White\n");
        foreach (var file in new[] { "001.Black/a_1.jpg", "002.White/b_1.jpg" })
            root.Write($"CUB_200_2011/images/{file}", Pictures.HugePng(1200, 1000));
        var options = new FolderOptions { Limits = new() { MaxPixels = 1_000_000 } };
        var divided = DividedData.Open("cub", validation: 0, dataRoot: root.Path, options: options);
        foreach (var images in new[] { DatasetCatalog.Open("cub:train", root.Path, options), divided.Train, divided.Test! })
            Assert.Contains("1200 × 1000 = 1200000 pixels; images may have 1000000",
                Assert.Throws<SchaneException>(() => images.Read(0)).Message);
        Assert.DoesNotContain("images may have",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open("cub:train", root.Path).Read(0)).Message);
    }

    [Fact]
    public void Caltech_leaves_out_clutter_and_stray_files()
    {
        foreach (var file in new[] { "001.ak47/001_0001.jpg", "001.ak47/RENAME2", "056.dog/056_0001.jpg", "056.dog/greg/vision309",
            "056.dog/056_0002.JPG.txt", "257.clutter/257_0001.jpg" })
            Text($"256_ObjectCategories/{file}", "x");
        Assert.Equal([("001.ak47/001_0001.jpg", "001.ak47"), ("056.dog/056_0001.jpg", "056.dog")], Open("caltech256:all"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Flowers_read_matlab_files_and_count_from_one(bool compressed)
    {
        root.Write("flowers-102/imagelabels.mat", Mat(compressed, ("labels", [77, 2, 1])));
        root.Write("flowers-102/setid.mat", Mat(compressed, ("trnid", [3]), ("valid", [1]), ("tstid", [2, 1])));
        Assert.Equal([("jpg/image_00003.jpg", "001")], Open("flowers102:train"));
        Assert.Equal([("jpg/image_00002.jpg", "002"), ("jpg/image_00001.jpg", "077")], Open("flowers102:test"));
        root.Write("flowers-102/setid.mat", Mat(compressed, ("trnid", [4])));
        Assert.Contains("names image 4", Refusal("flowers102:train"));
        root.Write("flowers-102/setid.mat", Mat(compressed, ("other", [4])));
        Assert.Contains("no numeric array 'trnid'", Refusal("flowers102:train"));
        root.Write("flowers-102/setid.mat", Mat(compressed, ("trnid", [4]))[..150]);
        Assert.Contains("setid.mat", Refusal("flowers102:train"));
        Text("flowers-102/setid.mat", "MATLAB 7.3 MAT-file, HDF5");
        Assert.Contains("version 5 to 7", Refusal("flowers102:train"));
    }

    [Fact]
    public void Pets_take_the_breed_from_the_name_and_pass_over_comments()
    {
        Text("oxford-iiit-pet/annotations/trainval.txt",
            "#Image CLASS-ID SPECIES BREED ID\nAbyssinian_100 1 1 1\namerican_bulldog_7 2 2 1\n");
        Text("oxford-iiit-pet/annotations/test.txt", "american_bulldog_10 2 2 1\n");
        // a PNG under a .jpg name
        root.Write("oxford-iiit-pet/images/american_bulldog_10.jpg", Pictures.Flat(4, 3, 1, 2, 3));
        Assert.Equal([("images/Abyssinian_100.jpg", "Abyssinian"), ("images/american_bulldog_7.jpg", "american_bulldog")],
            Open("pets:train"));
        Assert.Equal([("images/american_bulldog_10.jpg", "american_bulldog")], Open("pets:test"));
        Assert.Equal(4, DatasetCatalog.Open("pets:test", root.Path).Read(0).Width);
    }

    [Fact]
    public void Cifar_fs_follows_its_lists_of_classes()
    {
        Picture("cifar100/data/apple/1.png");
        Picture("cifar100/data/bear/1.png");
        Text("cifar100/splits/bertinetto/val.txt", "bear\n");
        Text("cifar100/splits/bertinetto/test.txt", "wolf\n");
        Assert.Equal([("bear/1.png", "bear")], Open("cifar-fs:val"));
        Assert.Contains("'wolf'", Refusal("cifar-fs:test"));
    }

    [Fact]
    public void Mini_imagenet_reads_the_lists_beside_its_images()
    {
        Text("mini-imagenet/train.csv", "filename,label\nn0153282900000005.jpg,n01532829\nn0155899300000001.jpg,n01558993\n");
        Assert.Equal([("n0153282900000005.jpg", "n01532829"), ("n0155899300000001.jpg", "n01558993")], Open("mini-imagenet:train"));
    }

    [Fact]
    public void Every_named_set_says_where_to_get_it_and_knows_its_counts()
    {
        Assert.All(DatasetCatalog.Entries, entry => Assert.Equal(entry.Parts, entry.Facts.Select(f => f.Part)));
        // Those that lie in $SCHANE_DATA are found there.
        Assert.All(DatasetCatalog.Entries, entry =>
        {
            if (Record.Exception(() => DatasetCatalog.Open(entry.Name, root.Path)) is { } error)
                Assert.Contains("--data-root", Assert.IsType<SchaneException>(error).Message);
        });
    }

    [Fact]
    public void A_check_says_what_is_missing()
    {
        Text("CUB_200_2011/images.txt", "1 001.Black/a_1.jpg\n2 001.Black/a_2.jpg\n");
        Text("CUB_200_2011/image_class_labels.txt", "1 1\n2 1\n");
        Text("CUB_200_2011/train_test_split.txt", "1 1\n2 1\n");
        Text("CUB_200_2011/classes.txt", "1 001.Black\n");
        Picture("CUB_200_2011/images/001.Black/a_1.jpg");
        var train = DatasetCheck.Run("cub", root.Path, TestContext.Current.CancellationToken)[0];
        Assert.Equal((2, 1, 1), (train.Images, train.Classes, train.MissingFiles));
        Assert.Contains("1 of 2 files are missing", train.Problem);
        Assert.Contains("a_2.jpg", train.Problem);
        Assert.Contains("officially it has 5994", train.Problem);
        Assert.Contains("Download", DatasetCheck.Run("pets", root.Path, TestContext.Current.CancellationToken)[0].Problem);
        Assert.All(DatasetCheck.Run("lookalikes", root.Path, TestContext.Current.CancellationToken), part => Assert.Null(part.Problem));
    }

    /// <summary>A MATLAB file of row vectors, byte by byte after "MAT-File Format", numbers stored as uint8 of class double, as MATLAB
    /// does with small ones.</summary>
    private static byte[] Mat(bool compressed, params (string Name, byte[] Numbers)[] arrays)
    {
        byte[] file = [.. Encoding.ASCII.GetBytes("MATLAB 5.0 MAT-file".PadRight(124)), 0, 1, (byte)'I', (byte)'M'];
        foreach (var (name, numbers) in arrays)
        {
            byte[] text = Encoding.ASCII.GetBytes(name);
            byte[] nameElement = text.Length <= 4
                ? [1, 0, (byte)text.Length, 0, .. Pad(text, 4)] : [1, 0, 0, 0, (byte)text.Length, 0, 0, 0, .. Pad(text, 8)];
            byte[] data = numbers.Length <= 4
                ? [2, 0, (byte)numbers.Length, 0, .. Pad(numbers, 4)] : [2, 0, 0, 0, (byte)numbers.Length, 0, 0, 0, .. Pad(numbers, 8)];
            byte[] body = [6, 0, 0, 0, 8, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, (byte)numbers.Length, 0,
                0, 0, .. nameElement, .. data];
            byte[] element = [14, 0, 0, 0, (byte)body.Length, 0, 0, 0, .. body];
            if (compressed)
            {
                using var packed = new MemoryStream();
                using (var zip = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
                    zip.Write(element);
                element = [15, 0, 0, 0, .. BitConverter.GetBytes((int)packed.Length), .. packed.ToArray()];
            }
            file = [.. file, .. element];
        }
        return file;
    }

    private static byte[] Pad(byte[] bytes, int to) => [.. bytes, .. new byte[(to - bytes.Length % to) % to]];
}
