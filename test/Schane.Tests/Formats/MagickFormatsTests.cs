using ImageMagick;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Tensors;
using Schane.Tests.Data;

namespace Schane.Tests.Formats;

/// <summary>HEIC, AVIF, TIFF, JPEG 2000 and JPEG XL where the package Schane.Formats is.</summary>
public sealed class MagickFormatsTests : IDisposable
{
    /// <summary>16 × 16, the left half red (200, 40, 40), the right blue (30, 60, 220), written by libheif 1.15 with x265.</summary>
    private const string Heic =
        "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAa1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAACAAAA" +
        "EGlkYXQAAAAAABAAEAAAADhpbG9jAQAAAERAAAIAAQAAAAAAAAHRAAEAAAAAAAAAPwACAAEAAAAAAAAAAQAAAAAAAAAIAAAAOGlpbmYAAAAAAAIAAAAVaW5m" +
        "ZQIAAAEAAQAAaHZjMQAAAAAVaW5mZQIAAAAAAgAAZ3JpZAAAAADYaXBycAAAALZpcGNvAAAAdmh2Y0MBA3AAAAAAAAAAAAAe8AD8/fj4AAAPAyAAAQAYQAEM" +
        "Af//A3AAAAMAkAAAAwAAAwAeugJAIQABACpCAQEDcAAAAwCQAAADAAADAB6gIIEFluqumubgQEDAgAAAAwCAAAADAIQiAAEABkQBwXPBiQAAABRpc3BlAAAA" +
        "AAAAAEAAAABAAAAAFGlzcGUAAAAAAAAAEAAAABAAAAAQcGl4aQAAAAADCAgIAAAAGmlwbWEAAAAAAAAAAgABAoECAAICA4QAAAAaaXJlZgAAAAAAAAAOZGlt" +
        "ZwACAAEAAQAAAEdtZGF0AAAAOygBrwnIXxjQI5tR/xf3+hehrxMt8+cds1f9P6z7tpLkAWt+bfm+gPOWCA9xalLpo61ysW6A4yYQ7Xss";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Tiff_of_gray_colours_inks_and_sixteen_bits_is_read_as_pil_does()
    {
        static Image8 Read(byte[] file) => ImageDecoder.Decode(file, "scan.tif");
        var gray = Read(TiffFile.Of(2, 1, 1, 8, 1, 1, [7, 250]));
        Assert.Equal((2, 1, 1), (gray.Width, gray.Height, gray.Channels));
        Assert.Equal([7, 250], gray.Pixels);
        Assert.Equal([1, 2, 3, 4, 5, 6], Read(TiffFile.Of(2, 1, 3, 8, 2, 1, [1, 2, 3, 4, 5, 6])).Pixels);
        Assert.Equal([9, 8, 7, 6, 5, 4], Read(TiffFile.Of(2, 1, 4, 8, 2, 1, [9, 8, 7, 0, 6, 5, 4, 128])).Pixels);    // below transparency
        // light = 255 - 51 = 204; 204 - 100 * 204 / 255 = 124, 204 - 0, 204 - 204
        Assert.Equal([124, 204, 0], Read(TiffFile.Of(1, 1, 4, 8, 5, 1, [100, 0, 255, 51])).Pixels);
        Assert.Equal([0x12, 0x80, 255], Read(TiffFile.Of(3, 1, 1, 16, 1, 1, [0x34, 0x12, 0x80, 0x80, 0xFF, 0xFF])).Pixels);
    }

    [Theory]
    [InlineData(1, 3, 2, 0, 2)]
    [InlineData(2, 3, 2, 2, 0)]
    [InlineData(3, 3, 2, 5, 3)]
    [InlineData(4, 3, 2, 3, 5)]
    [InlineData(5, 2, 3, 0, 4)]
    [InlineData(6, 2, 3, 1, 5)]
    [InlineData(7, 2, 3, 5, 1)]
    [InlineData(8, 2, 3, 4, 0)]
    public void Tiff_is_turned_upright(int orientation, int width, int height, int first, int third)
    {
        // Three columns, two rows; where the first and the third sample stand after turning is drawn on paper.
        var file = TiffFile.Of(3, 2, 1, 8, 1, orientation, [10, 20, 30, 40, 50, 60]);
        var image = ImageDecoder.Decode(file, "scan.tif");
        Assert.Equal((width, height), (image.Width, image.Height));
        Assert.Equal((10, 30), (image.Pixels[first], image.Pixels[third]));
        Assert.Equal((width, height), ImageDecoder.Measure(file, "scan.tif"));
        Assert.Equal([10, 20, 30, 40, 50, 60], ImageDecoder.Decode(file, "scan.tif", orient: false).Pixels);
    }

    [Fact]
    public void Heic_is_read()
    {
        var image = ImageDecoder.Decode(Convert.FromBase64String(Heic), "phone.heic");
        Assert.Equal((16, 16, 3), (image.Width, image.Height, image.Channels));
        foreach (var (x, colour) in new[] { (3, (int[])[200, 40, 40]), (12, [30, 60, 220]) })
            for (var c = 0; c < 3; c++)
                Assert.InRange(image.Pixels[(8 * 16 + x) * 3 + c], colour[c] - 12, colour[c] + 12);
    }

    [Theory]
    [InlineData(MagickFormat.Jp2, 0)]
    [InlineData(MagickFormat.Jxl, 0)]
    [InlineData(MagickFormat.Avif, 6)]
    public void Jpeg_2000_jpeg_xl_and_avif_are_read_and_refused_where_cut_off(MagickFormat format, int most)
    {
        var (file, rgb) = Encoded(format);
        var image = ImageDecoder.Decode(file, "image");
        Assert.Equal((40, 30, 3), (image.Width, image.Height, image.Channels));
        Assert.InRange(image.Pixels.Zip(rgb).Max(p => Math.Abs(p.First - p.Second)), 0, most);
        foreach (var share in (double[])[0.9, 0.5])
            Assert.Matches("'image'.*(is cut off or damaged|which is not read here)", Refusal(file[..(int)(file.Length * share)], "image"));
    }

    [Fact]
    public void Cut_tiff_and_heic_are_refused()
    {
        var tiff = TiffFile.Of(40, 30, 1, 8, 1, 1, new byte[1200]);
        foreach (var (file, name) in new[] { (tiff, "scan.tif"), (Convert.FromBase64String(Heic), "phone.heic") })
            foreach (var share in (double[])[0.95, 0.6])
                Assert.Contains($"'{name}' is a", Refusal(file[..(int)(file.Length * share)], name));
    }

    [Fact]
    public void Sizes_are_refused_by_the_header()
    {
        Assert.Contains("60000 × 60000 = 3600000000 pixels; images may have 100000000",
            Refusal(TiffFile.Of(60_000, 60_000, 1, 8, 1, 1, new byte[100]), "bomb.tif"));
        Assert.Contains("16 × 16 = 256 pixels; images may have 200", Assert.Throws<SchaneException>(() =>
            ImageDecoder.Measure(Convert.FromBase64String(Heic), "phone.heic", new() { MaxPixels = 200 })).Message);
    }

    [Fact]
    public void Servers_leave_other_formats_alone() => Assert.Contains("is not a JPEG, PNG, GIF, WebP or BMP image",
        Assert.Throws<SchaneException>(() =>
            ImageDecoder.Decode(Convert.FromBase64String(Heic), "sent", new() { OnlyBuiltIn = true })).Message);

    [Fact]
    public void Folders_hold_them_as_images_and_the_check_says_what_else_there_is()
    {
        folder.Write("a/1.heic", Convert.FromBase64String(Heic));
        folder.Write("a/2.tif", TiffFile.Of(2, 1, 1, 8, 1, 1, [7, 250], [9, 9]));
        folder.Write("a/phone.jpg", Convert.FromBase64String(Heic));
        folder.Write("b/3", Encoded(MagickFormat.Jxl).File);
        folder.Write("b/raw.dng", TiffFile.Of(2, 1, 1, 8, 1, 1, [7, 250]));
        folder.Write("b/cut.heic", Convert.FromBase64String(Heic)[..28]);
        folder.Write("b/none.tif", [1, 2, 3]);
        var images = ImageFolder.Open(folder.Path);
        Assert.Equal(["a/1.heic", "a/2.tif", "a/phone.jpg", "b/3"], Enumerable.Range(0, images.Count).Select(images.NameOf));
        Assert.Equal("Not used: 1 HEIC, 1 TIFF and 1 raw camera files can't be read: save them as JPEG.",
            IAccounted.Of(images).Sentence);
        var report = new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken);
        Assert.Empty(report.Unreadable);
        Assert.Contains("'a/2.tif' has 2 pages; the first is read.", report.Warnings);
        Assert.Contains("'a/phone.jpg' is a HEIC, not a JPEG.", Assert.Single(report.Misnamed, m => m.File == "a/phone.jpg").Problem);
    }

    [Fact]
    public void Twelve_bits_in_samples_of_sixteen_are_told_of_with_the_way_to_stretch_them()
    {
        // From 0 to 4,095 of 65,535, which is 15.9 of 255.
        byte[] twelve = [0, 0, 0x34, 0x02, 0xFF, 0x0F], full = [0, 0, 0x34, 0x92, 0xFF, 0xFF];
        folder.Write("a/scan.tif", TiffFile.Of(3, 1, 1, 16, 1, 1, twelve));
        folder.Write("b/scan.png", Pictures.Png(3, 1, 16, 0, [0, 0, 0x02, 0x34, 0x0F, 0xFF]));
        folder.Write("a/full.tif", TiffFile.Of(3, 1, 1, 16, 1, 1, full));
        folder.Write("b/night.tif", TiffFile.Of(3, 1, 1, 8, 1, 1, [1, 2, 3]));
        const string Told = "2 images have 16 bits a sample and fill little of that range, so that at most 17 of 256 levels are left " +
            "('a/scan.tif'). Stretch them, those to be predicted too, by the same factor: " +
            "`magick mogrify -level 0%,6.47% -depth 8 FILES`.";
        Assert.Equal([Told], new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken).Warnings);
        Assert.Equal([Told], new PartFiles().Check([("training", ImageFolder.Open(folder.Path))], OnBadImage.Fail,
            TestContext.Current.CancellationToken));
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Damaged_files_are_read_or_refused_by_name()
    {
        var limits = new ImageLimits { MaxPixels = 100_000 };
        (string Name, byte[] Bytes)[] files = [("a.heic", Convert.FromBase64String(Heic)),
            ("b.tif", TiffFile.Of(3, 2, 3, 8, 2, 6, new byte[18])),
            .. new[] { MagickFormat.Jp2, MagickFormat.Jxl, MagickFormat.Avif }.Select(f => ($"{f}", Encoded(f).File))];
        var random = new SampleRandom(5);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 6000; i++)
        {
            var (name, whole) = files[i % files.Length];
            var bytes = (byte[])whole.Clone();
            for (var k = random.Below(5); k >= 0; k--)
                bytes[random.Below(bytes.Length)] = (byte)random.Below(256);
            try
            {
                var image = ImageDecoder.Decode(bytes.AsSpan(0, random.Below(4) == 0 ? random.Below(bytes.Length) : bytes.Length), name,
                    limits);
                Assert.Equal(image.Width * image.Height * image.Channels, image.Pixels.Length);
                read++;
            }
            catch (SchaneException e)
            {
                Assert.Contains(name, e.Message);
                refused++;
            }
        }
        Assert.True(read > 500 && refused > 500, $"{read} were read and {refused} refused.");
    }

    private static string Refusal(byte[] file, string name) =>
        Assert.Throws<SchaneException>(() => ImageDecoder.Decode(file, name)).Message;

    /// <summary>A gradient written without loss, where the format can.</summary>
    private static (byte[] File, byte[] Rgb) Encoded(MagickFormat format)
    {
        byte[] rgb = [.. Enumerable.Range(0, 40 * 30)
            .SelectMany(i => new[] { (byte)(i % 40 * 6), (byte)(i / 40 * 8), (byte)(i % 40 + i / 40) })];
        using var image = new MagickImage(rgb, new PixelReadSettings(40, 30, StorageType.Char, PixelMapping.RGB)) { Quality = 100 };
        return (image.ToByteArray(format), rgb);
    }
}
