using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tensors;
using Schane.Tests.Support;
using SkiaSharp;

namespace Schane.Tests.Data.Reading;

/// <summary>Damage behind the header, which one of the decoders paints over in gray.</summary>
public class DamagedJpegTests
{
    private static readonly byte[] colour = Encoded(SKColorType.Rgba8888), gray = Encoded(SKColorType.Gray8);

    public static TheoryData<bool, byte[]> Broken => new()
    {
        { false, [0xFF, 0xC4, 0xFF, 0xFF] }, { true, [0xFF, 0xC4, 0xFF, 0xFF] },       // a table longer than the file
        { false, [0xFF, 0x44] }, { true, [0xFF, 0x44] }, { false, [0xFF, 0xF7] },      // markers that there are not
        { false, [0xFF, 0xD8] }, { false, [0xFF, 0xDB, 0, 1] },
    };

    [Theory, MemberData(nameof(Broken))]
    public void A_marker_that_can_not_be_inside_the_data_is_an_error(bool isGray, byte[] marker)
    {
        var file = (byte[])(isGray ? gray : colour).Clone();
        marker.CopyTo(file, file.Length / 2);
        AssertRefused(file);
    }

    [Fact, Needs(Needs.TurboJpeg)]
    public void What_the_first_decoder_gives_up_is_an_error()
    {
        // A Huffman table of a fitting length with more codes than there can be.
        byte[] table = [0xFF, 0xC4, 0, 19, 0, .. Enumerable.Repeat((byte)200, 16)];
        var file = (byte[])colour.Clone();
        table.CopyTo(file, file.Length / 2);
        AssertRefused(file);
    }

    [Theory, Needs(Needs.TurboJpeg)]
    [InlineData(false)]
    [InlineData(true)]
    public void Damage_that_can_be_decoded_is_told(bool isGray)
    {
        var whole = isGray ? gray : colour;
        byte[] repaired = [.. whole[..(whole.Length / 2)], 0xFF, 0xD9];
        var image = ImageDecoder.Decode(repaired, "repaired.jpg", null, true, out var damage);
        Assert.Equal((160, 160), (image.Width, image.Height));
        Assert.StartsWith("'repaired.jpg' is damaged inside (Corrupt JPEG data: premature end of data segment)", damage);
        var scratched = (byte[])whole.Clone();
        new Random(1).NextBytes(scratched.AsSpan(whole.Length / 2, 40));
        scratched.AsSpan(whole.Length / 2, 40).Replace((byte)0xFF, (byte)0xFE);
        ImageDecoder.Decode(scratched, "scratched.jpg", null, true, out damage);
        Assert.Contains("'scratched.jpg' is damaged inside", damage);
    }

    [Fact]
    public void A_whole_file_is_no_damaged_one()
    {
        foreach (var file in (byte[][])[colour, gray, [.. colour[..^2], .. new byte[100], .. colour[^2..]],
            Pictures.CmykJpeg(), .. Directory.GetFiles(Path.Combine(GoldenImages.Own.Folder, "images"), "*.jpg").Select(File.ReadAllBytes)])
        {
            ImageDecoder.Decode(file, "whole.jpg", null, true, out var damage);
            Assert.Null(damage);
        }
    }

    [Fact, Needs(Needs.TurboJpeg)]
    public void Data_check_names_a_damaged_file_and_lets_it_pass()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["a/0.png", "a/1.png", "b/0.png"])
            folder.Write(name, Pictures.Flat(20, 20, 1, 2, (byte)name[0]));
        folder.Write("b/half.jpg", [.. colour[..(colour.Length / 2)], 0xFF, 0xD9]);
        var report = new FolderCheck().Run(folder.Path);
        Assert.True(report.IsClean);
        Assert.Contains(report.Warnings, w => w.StartsWith("'b/half.jpg' is damaged inside", StringComparison.Ordinal));
    }

    private static void AssertRefused(byte[] file)
    {
        Assert.Contains("'bad.jpg' is a JPEG that can't be decoded",
            Assert.Throws<SchaneException>(() => ImageDecoder.Decode(file, "bad.jpg")).Message);
        var random = new SampleRandom(1);
        var crop = new ImagePipeline(new(3, 16, [0f, 0f, 0f], [1f, 1f, 1f]), new RandomResizedCrop(16));
        Assert.Throws<SchaneException>(() => crop.ApplyToFile(file, "bad.jpg", ImageLimits.Default, ref random, new float[3 * 16 * 16]));
    }

    private static byte[] Encoded(SKColorType type)
    {
        using var bitmap = new SKBitmap(160, 160, type, SKAlphaType.Opaque);
        var random = new Random(3);
        for (var y = 0; y < 160; y++)
            for (var x = 0; x < 160; x++)
                bitmap.SetPixel(x, y, new((byte)(x + random.Next(60)), (byte)(y + random.Next(60)), (byte)(x ^ y)));
        using var image = SKImage.FromBitmap(bitmap);
        return image.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray();
    }
}
