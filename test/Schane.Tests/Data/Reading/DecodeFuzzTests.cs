using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Tests.Data.Reading;

/// <summary>Damaged files give an image or a sentence: no crash, no hang, no other exception.</summary>
public class DecodeFuzzTests
{
    [Fact]
    public void Some_damaged_files_are_decoded_or_refused() => Fuzz(1500, seed: 1);

    [Theory, Trait("Slow", "1")]
    [InlineData("Jpeg")]
    [InlineData("Png")]
    [InlineData("Gif")]
    [InlineData("WebP")]
    [InlineData("Bmp")]
    public void Twenty_thousand_damaged_files_of_a_format_are_decoded_or_refused(string format) =>
        Fuzz(20_000, seed: 2, Enum.Parse<ImageFormat>(format));

    private static void Fuzz(int count, long seed, ImageFormat? only = null)
    {
        List<(string Name, byte[] Bytes)> files =
        [
            .. Directory.GetFiles(Path.Combine(GoldenImages.Own.Folder, "images")).Order()
                .Select(f => (Path.GetFileName(f), File.ReadAllBytes(f))).Where(f => f.Item2.Length < 20_000),
            .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Data", "Miniatures", "animated")).Order()
                .Select(f => (Path.GetFileName(f), File.ReadAllBytes(f))),
            .. Encoded(),
        ];
        var pipeline = new ImagePipeline(new(3, 16, [0f, 0f, 0f], [1f, 1f, 1f]), new RandomResizedCrop(16));
        var output = new float[3 * 16 * 16];
        var limits = new ImageLimits { MaxPixels = 1_000_000 };
        var random = new SampleRandom(seed);
        var (read, refused) = (0, 0);
        var formats = files.GroupBy(f => Magic.Sniff(f.Bytes)).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal([ImageFormat.Jpeg, ImageFormat.Png, ImageFormat.Gif, ImageFormat.WebP, ImageFormat.Bmp], formats.Keys.Order());
        files.RemoveAll(f => only is not null && Magic.Sniff(f.Bytes) != only);
        for (var i = 0; i < count; i++)
        {
            var (name, whole) = files[i % files.Count];
            var bytes = Damage(whole, ref random);
            try
            {
                var image = ImageDecoder.Decode(bytes, name, limits);
                Assert.Equal(image.Width * image.Height * image.Channels, image.Pixels.Length);
                read++;
            }
            catch (SchaneException e)
            {
                Assert.Contains(name, e.Message);
                refused++;
            }
            try
            {
                pipeline.ApplyToFile(bytes, name, limits, ref random, output);
            }
            catch (SchaneException e)
            {
                Assert.Contains(name, e.Message);
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} damaged files ({string.Join(", ", formats.Select(f => $"{f.Key} from {f.Value}"))}), each decoded whole and cut to " +
            $"a crop: {read} read, {refused} refused.");
        // PNG's checksums catch nearly all.
        Assert.True(read > count / 50 && refused > count / 50,
            $"{read} were read and {refused} refused: the damage is too small or too great to test anything.");
    }

    private static byte[] Damage(byte[] whole, ref SampleRandom random)
    {
        var bytes = (byte[])whole.Clone();
        switch (random.Below(5))
        {
            case 0:                                                       // cut off
                return bytes[..random.Below(bytes.Length)];
            case 1:                                                       // a hole
                var (from, length) = (random.Below(bytes.Length), 1 + random.Below(64));
                return [.. bytes[..from], .. bytes[Math.Min(from + length, bytes.Length)..]];
            case 2:                                                       // a wrong header
                for (var k = 0; k < 3; k++)
                    bytes[random.Below(Math.Min(64, bytes.Length))] = (byte)random.Below(256);
                return bytes;
            case 3:                                                       // a run of one value
                Array.Fill(bytes, (byte)random.Below(256), from = random.Below(bytes.Length),
                    Math.Min(1 + random.Below(32), bytes.Length - from));
                return bytes;
            default:                                                      // scattered bytes
                for (var k = 1 + random.Below(20); k > 0; k--)
                    bytes[random.Below(bytes.Length)] = (byte)random.Below(256);
                return bytes;
        }
    }

    private static IEnumerable<(string, byte[])> Encoded()
    {
        using var bitmap = new SkiaSharp.SKBitmap(40, 30);
        for (var y = 0; y < 30; y++)
            for (var x = 0; x < 40; x++)
                bitmap.SetPixel(x, y, new((byte)(x * 6), (byte)(y * 8), (byte)((x ^ y) * 4)));
        using var image = SkiaSharp.SKImage.FromBitmap(bitmap);
        yield return ("some.webp", image.Encode(SkiaSharp.SKEncodedImageFormat.Webp, 80).ToArray());
        yield return ("lossless.webp", image.Encode(SkiaSharp.SKEncodedImageFormat.Webp, 100).ToArray());
        yield return ("print.jpg", Pictures.CmykJpeg());
        yield return ("deep.png", Pictures.Png(6, 4, bits: 16, colour: 2, [.. Enumerable.Range(0, 6 * 4 * 6).Select(i => (byte)(i * 7))]));
        // GIF 89a, 2 × 2, two colours, LZW with minimum code size 2: clear, 0, 1, 1, 0, end.
        yield return ("two.gif", [.. "GIF89a"u8, 2, 0, 2, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2,
            3, 0x44, 0x02, 0x05, 0, 0x3B]);
        // BMP, 2 × 2, 24 bits.
        yield return ("two.bmp", [.. "BM"u8, 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0, 0, 0,
            0, 0, 16, 0, 0, 0, .. new byte[16], 1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
    }
}
