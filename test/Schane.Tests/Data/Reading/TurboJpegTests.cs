using Schane.Data.Reading;
using Schane.Tests.Support;
using SkiaSharp;

namespace Schane.Tests.Data.Reading;

public class TurboJpegTests
{
    private static (SKBitmap Expected, byte[] File) Golden(string name)
    {
        var file = File.ReadAllBytes(GoldenImages.Image(name));
        return (SKBitmap.Decode(file), file);
    }

    private static int Worst(SKBitmap expected, byte[] pixels, int rows)
    {
        var worst = 0;
        for (var y = 0; y < rows; y++)
            for (var x = 0; x < expected.Width; x++)
            {
                var (at, pixel) = ((y * expected.Width + x) * 3, expected.GetPixel(x, y));
                worst = Math.Max(worst, Math.Max(Math.Abs(pixels[at] - pixel.Red),
                    Math.Max(Math.Abs(pixels[at + 1] - pixel.Green), Math.Abs(pixels[at + 2] - pixel.Blue))));
            }
        return worst;
    }

    [Theory, Needs(Needs.TurboJpeg)]
    [InlineData("natural.jpg")]
    [InlineData("natural_444_q95.jpg")]
    [InlineData("progressive.jpg")]
    public void Pixels_are_those_of_the_other_decoder(string name)
    {
        var (expected, file) = Golden(name);
        using (expected)
            for (var wanted = 1; wanted <= expected.Height; wanted += 7)
            {
                var pixels = new byte[expected.Width * expected.Height * 3];
                Assert.True(TurboJpeg.TryDecode(file, expected.Width, expected.Height, wanted, pixels));
                Assert.InRange(Worst(expected, pixels, wanted), 0, 1);
            }
    }

    [Theory]
    [InlineData("gray.jpg")]
    [InlineData("natural.png")]
    public void Other_files_are_left_to_the_other_decoder(string name)
    {
        var (expected, file) = Golden(name);
        using (expected)
            Assert.False(TurboJpeg.TryDecode(file, expected.Width, expected.Height, expected.Height,
                new byte[expected.Width * expected.Height * 3]));
    }

    [Fact]
    public void A_file_that_ends_before_the_wanted_rows_do_is_left_to_the_other_decoder()
    {
        var (expected, file) = Golden("natural.jpg");
        using (expected)
            foreach (var share in new[] { 0.1, 0.4, 0.8 })
                Assert.False(TurboJpeg.TryDecode(file.AsSpan(0, (int)(file.Length * share)), expected.Width, expected.Height,
                    (int)(expected.Height * share) + 20, new byte[expected.Width * expected.Height * 3]));
    }

    [Fact]
    public void A_buffer_that_is_too_small_or_a_wrong_size_is_refused()
    {
        var (expected, file) = Golden("natural.jpg");
        using (expected)
        {
            Assert.False(TurboJpeg.TryDecode(file, expected.Width, expected.Height, 1, new byte[10]));
            Assert.False(TurboJpeg.TryDecode(file, expected.Width + 1, expected.Height, expected.Height,
                new byte[(expected.Width + 1) * expected.Height * 3]));
        }
    }
}
