using Schane.Tensors;
using SkiaSharp;
using static Schane.Data.Sets.LookalikesDifficulty;

namespace Schane.Data.Sets;

/// <summary>Puts a figure into an image: background, clutter, pose, colours, something in front, noise.</summary>
internal static class LookalikesPainter
{
    /// <summary>Draws one image; every choice comes from <paramref name="random"/>.</summary>
    /// <returns>RGB, side × side × 3 bytes.</returns>
    public static unsafe byte[] Paint(LookalikesFigure figure, int side, ref SampleRandom random)
    {
        var rgba = stackalloc byte[side * side * 4];
        var info = new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Premul);
        using var surface = SKSurface.Create(info, (nint)rgba, side * 4);
        using var paint = new SKPaint { IsAntialias = true };
        var canvas = surface.Canvas;

        var lightness = random.Uniform(0.2, 0.85);                        // of the figure
        var behind = Apart(lightness, FigureContrast, ref random);
        var marks = Apart(lightness, MarkContrast, ref random);
        DrawBackground(canvas, paint, side, behind, ref random);

        var radius = random.Uniform(SmallestRadius, LargestRadius);
        canvas.Save();
        canvas.Translate((float)(side / 2.0 + random.Uniform(-Shift, Shift)), (float)(side / 2.0 + random.Uniform(-Shift, Shift)));
        var along = (float)random.Uniform(-90, 90);                       // the direction of the stretch
        canvas.RotateDegrees(along);
        canvas.Scale((float)(radius * (1 + random.Uniform(-Stretch, Stretch))), (float)radius);
        canvas.RotateDegrees(-along + (float)random.Uniform(-Turn, Turn));
        paint.Color = Colour(lightness, ref random);
        canvas.DrawPath(figure.Body, paint);
        paint.Color = Colour(marks, ref random);
        if (figure.Marks is { } path)
            canvas.DrawPath(path, paint);
        if (random.NextDouble() < OcclusionChance)
            DrawOccluder(canvas, paint, ref random);
        canvas.Restore();
        canvas.Flush();
        return AddNoise(new ReadOnlySpan<byte>(rgba, side * side * 4), random.Uniform(0, Noise), ref random);
    }

    private static void DrawBackground(SKCanvas canvas, SKPaint paint, int side, double lightness, ref SampleRandom random)
    {
        canvas.Clear(Colour(lightness, ref random));
        for (var i = 0; i < Clutter; i++)
        {
            paint.Color = Colour(Math.Clamp(lightness + random.Uniform(-0.06, 0.06), 0, 1), ref random)
                .WithAlpha((byte)random.Uniform(80, 200));
            var (x, y) = ((float)random.Uniform(0, side), (float)random.Uniform(0, side));
            var (width, height) = ((float)random.Uniform(3, 22), (float)random.Uniform(2, 9));
            canvas.Save();
            canvas.RotateDegrees((float)random.Uniform(-90, 90), x, y);
            if (random.Below(2) == 0)
                canvas.DrawOval(x, y, width, height, paint);
            else
                canvas.DrawRect(x - width, y - height, 2 * width, 2 * height, paint);
            canvas.Restore();
        }
    }

    /// <summary>A disc or bar over the rim of the figure, in the figure's unit.</summary>
    private static void DrawOccluder(SKCanvas canvas, SKPaint paint, ref SampleRandom random)
    {
        paint.Color = Colour(random.Uniform(0.1, 0.95), ref random);
        var size = (float)(OcclusionSize * random.Uniform(0.5, 1));
        var at = LookalikesOutlines.Polar((float)random.Uniform(0.6, 1.1), (float)random.Uniform(0, 360));
        if (random.Below(2) == 0)
            canvas.DrawCircle(at, size * 0.7f, paint);
        else
        {
            canvas.RotateDegrees((float)random.Uniform(-90, 90), at.X, at.Y);
            canvas.DrawRect(at.X - size * 0.22f, at.Y - 1, size * 0.44f, 2, paint);
        }
    }

    /// <summary>A lightness at least <paramref name="contrast"/> away.</summary>
    private static double Apart(double from, double contrast, ref SampleRandom random)
    {
        const double darkest = 0.05, lightest = 0.95;
        var (below, above) = (Math.Max(0, from - contrast - darkest), Math.Max(0, lightest - from - contrast));
        var at = random.Uniform(0, below + above);
        return at < below ? darkest + at : from + contrast + at - below;
    }

    /// <summary>A random hue at a given lightness: luma is the lightness, up to clipping.</summary>
    private static SKColor Colour(double lightness, ref SampleRandom random)
    {
        var (hue, strength) = (random.Uniform(0, 2 * Math.PI), random.Uniform(0, 0.22));
        var (u, v) = (strength * Math.Cos(hue), strength * Math.Sin(hue));    // chroma of YUV (BT.601), luma untouched
        return new(Byte(lightness + 1.14 * v), Byte(lightness - 0.395 * u - 0.581 * v), Byte(lightness + 2.032 * u));
    }

    private static byte Byte(double share) => (byte)Math.Clamp(Math.Round(share * 255), 0, 255);

    /// <summary>Drops alpha and adds nearly normal noise: the sum of four bytes, 6144 draws an image.</summary>
    private static byte[] AddNoise(ReadOnlySpan<byte> rgba, double deviation, ref SampleRandom random)
    {
        const double deviationOfSum = 147.8;                              // √(4 · (256² − 1) / 12)
        var scale = (int)Math.Round(deviation * 255 / deviationOfSum * 65536);
        var rgb = new byte[rgba.Length / 4 * 3];
        ulong bits = 0;
        for (var i = 0; i < rgb.Length; i++)
        {
            bits = i % 2 == 0 ? random.NextBits() : bits >> 32;
            var sum = (int)((bits & 0xFF) + (bits >> 8 & 0xFF) + (bits >> 16 & 0xFF) + (bits >> 24 & 0xFF)) - 510;
            rgb[i] = (byte)Math.Clamp(rgba[i / 3 * 4 + i % 3] + (sum * scale + 32768 >> 16), 0, 255);
        }
        return rgb;
    }
}
