using Schane.Data;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Tests.Data.Transforms;

public class WarpTests
{
    private static readonly Warp Still = new(48) { MaxRotation = 0, MinScale = 1, MaxScale = 1, MaxShear = 0, MaxShift = 0, Elastic = 0 };

    [Fact]
    public void Nothing_to_do_leaves_the_image_as_it_is()
    {
        var image = Noise(48, 48, 3);
        Assert.Equal(image.Pixels, Show(Still, image, 1).Pixels);
    }

    [Fact]
    public void An_affine_warp_is_the_inverse_map_sampled_bilinearly()
    {
        // The numbers are drawn in the order that the record documents by its fields: rotation, two scales, shear, two shifts.
        var warp = Still with { MaxRotation = 30, MinScale = 0.7, MaxScale = 1.3, MaxShear = 20, MaxShift = 0.2 };
        var image = Noise(48, 48, 1);
        var random = new SampleRandom(5);
        var (angle, sx, sy) = (random.Uniform(-30, 30) * Math.PI / 180, random.Uniform(0.7, 1.3), random.Uniform(0.7, 1.3));
        var (shear, dx, dy) = (Math.Tan(random.Uniform(-20, 20) * Math.PI / 180), random.Uniform(-0.2, 0.2) * 48,
            random.Uniform(-0.2, 0.2) * 48);
        // Forward matrix R · S · D and its inverse by Cramer's rule.
        double m00 = Math.Cos(angle) * sx, m01 = (Math.Cos(angle) * shear - Math.Sin(angle)) * sy;
        double m10 = Math.Sin(angle) * sx, m11 = (Math.Sin(angle) * shear + Math.Cos(angle)) * sy;
        var det = m00 * m11 - m01 * m10;
        var shown = Show(warp, image, 5);
        for (var y = 0; y < 48; y++)
            for (var x = 0; x < 48; x++)
            {
                var (u, v) = (x + 0.5 - 24 - dx, y + 0.5 - 24 - dy);
                var expected = Bilinear(image, (m11 * u - m01 * v) / det + 23.5, (-m10 * u + m00 * v) / det + 23.5);
                Assert.InRange(shown.Pixels[y * 48 + x] - expected, -0.6, 0.6);
            }
    }

    [Fact]
    public void An_elastic_warp_moves_pixels_by_about_its_deviation()
    {
        // On a ramp of 2 levels a pixel, the level tells where each pixel came from.
        var ramp = new Image8(96, 96, 1, [.. Enumerable.Range(0, 96 * 96).Select(i => (byte)(2 * (i % 96)))]);
        var warp = new Warp(96) { MaxRotation = 0, MinScale = 1, MaxScale = 1, MaxShear = 0, MaxShift = 0, Elastic = 0.02 };
        var moves = Enumerable.Range(0, 60)
            .SelectMany(seed => Show(warp, ramp, seed).Pixels.Select((p, i) => (Move: p / 2.0 - i % 96, X: i % 96, Y: i / 96)))
            .Where(m => m.X is > 16 and < 80 && m.Y is > 16 and < 80).Select(m => m.Move).ToList();
        Assert.InRange(Math.Sqrt(moves.Average(m => m * m)), 0.85 * 0.02 * 96, 1.15 * 0.02 * 96);
        Assert.InRange(moves.Average(), -0.3, 0.3);
    }

    [Fact]
    public void The_same_numbers_give_the_same_image()
    {
        var image = Noise(60, 50, 3);
        Assert.Equal(Show(new(48), image, 9).Pixels, Show(new(48), image, 9).Pixels);
        Assert.NotEqual(Show(new(48), image, 9).Pixels, Show(new(48), image, 10).Pixels);
    }

    private static Image8 Show(Warp warp, Image8 image, long seed)
    {
        var random = new SampleRandom(seed);
        return new ImagePipeline(new(image.Channels, warp.Size, new float[image.Channels], [.. Enumerable.Repeat(1f, image.Channels)]),
            warp).Show(image, ref random);
    }

    private static double Bilinear(Image8 image, double x, double y)
    {
        double At(int px, int py) => px < 0 || py < 0 || px >= image.Width || py >= image.Height ? 0 : image.Pixels[py * image.Width + px];
        var (ix, iy) = ((int)Math.Floor(x), (int)Math.Floor(y));
        var (fx, fy) = (x - ix, y - iy);
        return (1 - fy) * ((1 - fx) * At(ix, iy) + fx * At(ix + 1, iy)) + fy * ((1 - fx) * At(ix, iy + 1) + fx * At(ix + 1, iy + 1));
    }

    private static Image8 Noise(int width, int height, int channels)
    {
        var random = new SampleRandom(77);
        return new(width, height, channels, [.. Enumerable.Range(0, width * height * channels).Select(_ => (byte)random.Below(256))]);
    }
}
