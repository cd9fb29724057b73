namespace Schane.Data.Transforms;

/// <summary>Affine maps as Pillow does them (Geometry.c): an output pixel's centre is mapped to the source; what
/// falls outside is filled.</summary>
internal static class Geometry
{
    /// <summary>From output to source: x' = A·x + B·y + C, y' = D·x + E·y + F.</summary>
    public readonly record struct Map(double A, double B, double C, double D, double E, double F)
    {
        /// <summary>
        /// Turn (degrees, counter-clockwise as seen), shift, magnification and slants (degrees) about a centre, inverted: torchvision's
        /// parameters and order, R · S · magnification.
        /// </summary>
        public static Map Inverse(double centerX, double centerY, double angle, double shiftX, double shiftY,
            double scale, double slantX, double slantY)
        {
            var (rot, sx, sy) = (angle * Math.PI / 180, slantX * Math.PI / 180, slantY * Math.PI / 180);
            var a = Math.Cos(rot - sy) / Math.Cos(sy);
            var b = -Math.Cos(rot - sy) * Math.Tan(sx) / Math.Cos(sy) - Math.Sin(rot);
            var c = Math.Sin(rot - sy) / Math.Cos(sy);
            var d = -Math.Sin(rot - sy) * Math.Tan(sx) / Math.Cos(sy) + Math.Cos(rot);
            var (m0, m1, m3, m4) = (d / scale, -b / scale, -c / scale, a / scale);
            return new(m0, m1, m0 * (-centerX - shiftX) + m1 * (-centerY - shiftY) + centerX, m3, m4,
                m3 * (-centerX - shiftX) + m4 * (-centerY - shiftY) + centerY);
        }

        /// <summary>A turn about the middle of the image, counter-clockwise, as PIL's <c>rotate</c>.</summary>
        public static Map Rotation(double degrees, int width, int height)
        {
            var radians = -degrees * Math.PI / 180;
            var (sin, cos) = (Math.Round(Math.Sin(radians), 15), Math.Round(Math.Cos(radians), 15));
            var (x, y) = (width / 2.0, height / 2.0);
            return new(cos, sin, -cos * x - sin * y + x, -sin, cos, sin * x - cos * y + y);
        }
    }

    /// <summary>Draws the mapped image at its own size.</summary>
    /// <param name="canvas">The image.</param>
    /// <param name="map">From output to source.</param>
    /// <param name="bilinear">Four neighbours, repeated at the border; else the one that is hit.</param>
    /// <param name="fill">One value a channel, or none for black.</param>
    public static void Apply(Canvas canvas, Map map, bool bilinear, ReadOnlySpan<byte> fill)
    {
        var (width, height, channels) = (canvas.Width, canvas.Height, canvas.Channels);
        var source = canvas.Pixels;
        var drawn = canvas.Draw(width, height, channels);
        if (fill.Length == 0)
            drawn.Clear();
        else
            for (var i = 0; i < drawn.Length; i++)
                drawn[i] = fill[i % channels];
        if (bilinear)
            Bilinear(source, drawn, width, height, channels, map);
        else
            NearestHit(source, drawn, width, height, channels, map);
        canvas.Turn(width, height, channels);
    }

    // Pillow counts in 16.16 fixed point here; so do we, or cell borders fall otherwise.
    private static void NearestHit(ReadOnlySpan<byte> source, Span<byte> drawn, int width, int height, int channels, Map m)
    {
        static long Fix(double v) => (long)Math.Floor(v * 65536 + 0.5);
        var (stepXx, stepXy, stepYx, stepYy) = (Fix(m.A), Fix(m.D), Fix(m.B), Fix(m.E));
        var (rowX, rowY) = (Fix(m.C + m.A * 0.5 + m.B * 0.5), Fix(m.F + m.D * 0.5 + m.E * 0.5));
        for (var y = 0; y < height; y++, rowX += stepYx, rowY += stepYy)
        {
            var (x16, y16) = (rowX, rowY);
            var to = drawn.Slice(y * width * channels, width * channels);
            for (var x = 0; x < to.Length; x += channels, x16 += stepXx, y16 += stepXy)
            {
                var (sx, sy) = (x16 >> 16, y16 >> 16);
                if ((ulong)sx >= (ulong)width || (ulong)sy >= (ulong)height)
                    continue;
                var from = source.Slice((int)(sy * width + sx) * channels, channels);
                if (channels == 3)
                    (to[x], to[x + 1], to[x + 2]) = (from[0], from[1], from[2]);
                else
                    to[x] = from[0];
            }
        }
    }

    private static void Bilinear(ReadOnlySpan<byte> source, Span<byte> drawn, int width, int height, int channels, Map m)
    {
        for (var y = 0; y < height; y++)
        {
            var to = drawn.Slice(y * width * channels, width * channels);
            var (startX, startY) = (m.A * 0.5 + m.B * (y + 0.5) + m.C, m.D * 0.5 + m.E * (y + 0.5) + m.F);
            for (var x = 0; x < width; x++)
            {
                var (sx, sy) = (startX + m.A * x, startY + m.D * x);
                if (!(sx >= 0 && sx < width && sy >= 0 && sy < height))
                    continue;
                var (fx, fy) = ((float)(sx - 0.5), (float)(sy - 0.5));
                var (ix, iy) = ((int)MathF.Floor(fx), (int)MathF.Floor(fy));
                (fx, fy) = (fx - ix, fy - iy);
                var (left, right) = (Math.Max(ix, 0) * channels, Math.Min(ix + 1, width - 1) * channels);
                var (top, bottom) = (Math.Max(iy, 0) * width * channels, Math.Min(iy + 1, height - 1) * width * channels);
                for (var c = 0; c < channels; c++)
                {
                    var upper = source[top + left + c] + fx * (source[top + right + c] - source[top + left + c]);
                    var lower = source[bottom + left + c] + fx * (source[bottom + right + c] - source[bottom + left + c]);
                    to[x * channels + c] = (byte)(upper + fy * (lower - upper));
                }
            }
        }
    }
}
