using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>
/// A random affine map and an elastic distortion in one bilinear pass, on black: what hand-written and drawn things vary by.
/// The distortion is a cubic B-spline over a coarse grid of normal numbers, the smooth random field of Simard et al.
/// 2003 at a fraction of the cost.
/// </summary>
/// <remarks>The image is first shrunk, antialiased, where it is more than half as large again as <see cref="Size"/>; give images of
/// that size and nothing is spent on it.</remarks>
internal sealed record Warp(int Size) : ImageStep
{
    /// <summary>Largest turn to either side in degrees. 15 by default.</summary>
    public double MaxRotation { get; init => field = Require.InRange(value, 0, 180); } = 15;

    /// <summary>Smallest magnification, drawn for each axis. 0.8 by default.</summary>
    public double MinScale { get; init => field = Require.InRange(value, 0.1, 10); } = 0.8;

    /// <summary>Largest magnification, drawn for each axis. 1.2 by default.</summary>
    public double MaxScale { get; init => field = Require.InRange(value, 0.1, 10); } = 1.2;

    /// <summary>Largest slant to either side in degrees. 10 by default.</summary>
    public double MaxShear { get; init => field = Require.InRange(value, 0, 60); } = 10;

    /// <summary>Largest shift along each axis as a share of the side. 0.08 by default.</summary>
    public double MaxShift { get; init => field = Require.InRange(value, 0, 1); } = 0.08;

    /// <summary>Standard deviation of the elastic displacement along each axis as a share of the side; 0 turns it
    /// off. 0.025 by default.</summary>
    public double Elastic { get; init => field = Require.InRange(value, 0, 0.5); } = 0.025;

    /// <summary>Cells of the elastic grid along each side, 1 to 16: more make smaller waves. 4 by default.</summary>
    public int ElasticCells
    {
        get;
        init => field = value is >= 1 and <= 16 ? value
            : throw new ArgumentOutOfRangeException(nameof(ElasticCells), $"ElasticCells must lie between 1 and 16 but is {value}.");
    } = 4;

    [ThreadStatic] private static Scratch? scratch;

    internal override (int Width, int Height)? SizeAfter((int Width, int Height)? before) => (Size, Size);

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (Math.Max(canvas.Width, canvas.Height) > 1.5 * Size)
            Resize.Box(canvas, 0, 0, canvas.Width, canvas.Height, Size, Size, Interpolation.Bilinear);

        // Forward: turn · slant · magnify about the middle, then shift. Its inverse says where an output pixel comes from.
        var angle = random.Uniform(-MaxRotation, MaxRotation) * Math.PI / 180;
        var (scaleX, scaleY) = (random.Uniform(MinScale, MaxScale), random.Uniform(MinScale, MaxScale));
        var shear = Math.Tan(random.Uniform(-MaxShear, MaxShear) * Math.PI / 180);
        var (shiftX, shiftY) = (random.Uniform(-MaxShift, MaxShift) * Size, random.Uniform(-MaxShift, MaxShift) * Size);
        var (sin, cos) = Math.SinCos(angle);
        // [cos −sin; sin cos] · [1 shear; 0 1] · diag(scale), inverted: diag(1/scale) · [1 −shear; 0 1] · [cos sin; −sin cos].
        var (a, b) = ((cos + shear * sin) / scaleX, (sin - shear * cos) / scaleX);
        var (c, d) = (-sin / scaleY, cos / scaleY);

        scratch ??= new();
        scratch.Fit(Size);
        var offsetsX = scratch.OffsetsX.AsSpan(0, Size * Size);
        var offsetsY = scratch.OffsetsY.AsSpan(0, Size * Size);
        if (Elastic > 0)
        {
            Field(ref random, offsetsX);
            Field(ref random, offsetsY);
        }
        else
        {
            offsetsX.Clear();
            offsetsY.Clear();
        }

        var (toSourceX, toSourceY) = (canvas.Width / (double)Size, canvas.Height / (double)Size);
        var middle = Size / 2.0;
        for (var y = 0; y < Size; y++)
        {
            var (u, v) = (0.5 - middle - shiftX, y + 0.5 - middle - shiftY);
            var x0 = (float)((a * u + b * v + middle) * toSourceX - 0.5);
            var y0 = (float)((c * u + d * v + middle) * toSourceY - 0.5);
            Line(offsetsX.Slice(y * Size, Size), x0, (float)(a * toSourceX), (float)toSourceX);
            Line(offsetsY.Slice(y * Size, Size), y0, (float)(c * toSourceY), (float)toSourceY);
        }
        Sample(canvas, scratch, Size);
    }

    /// <summary>From displacement to source coordinate: start + x · step + factor · displacement.</summary>
    private static void Line(Span<float> values, float start, float step, float factor)
    {
        for (var x = 0; x < values.Length; x++)
            values[x] = start + x * step + factor * values[x];
    }

    /// <summary>A smooth random field [Size, Size] of about unit variance times <see cref="Elastic"/> · Size, in pixels.</summary>
    private void Field(ref SampleRandom random, Span<float> field)
    {
        var knots = ElasticCells + 3;                                     // a cubic B-spline reaches over four knots
        Span<float> control = stackalloc float[19 * 19];
        // Along one axis Σ weight² is 0.48 to 0.5, so over two the variance is a quarter: hence the 2.
        var amplitude = (float)(2 * Elastic * Size);
        for (var i = 0; i < knots * knots; i++)
            control[i] = amplitude * (float)random.Normal();

        var across = scratch!.Rows.AsSpan(0, knots * Size);               // control rows spread over x
        for (var x = 0; x < Size; x++)
        {
            var (cell, w) = Spline(x);
            for (var r = 0; r < knots; r++)
            {
                var row = control.Slice(r * knots + cell, 4);
                across[r * Size + x] = w.Item1 * row[0] + w.Item2 * row[1] + w.Item3 * row[2] + w.Item4 * row[3];
            }
        }
        for (var y = 0; y < Size; y++)
        {
            var (cell, w) = Spline(y);
            Span<float> r0 = Row(across, cell), r1 = Row(across, cell + 1), r2 = Row(across, cell + 2), r3 = Row(across, cell + 3);
            var to = field.Slice(y * Size, Size);
            for (var x = 0; x < to.Length; x++)
                to[x] = w.Item1 * r0[x] + w.Item2 * r1[x] + w.Item3 * r2[x] + w.Item4 * r3[x];
        }
    }

    private Span<float> Row(Span<float> rows, int index) => rows.Slice(index * Size, Size);

    private (int Cell, (float, float, float, float) Weights) Spline(int at)
    {
        var position = (at + 0.5f) * ElasticCells / Size;
        var cell = Math.Min((int)position, ElasticCells - 1);
        var t = position - cell;
        var (t2, t3, s) = (t * t, t * t * t, 1 - t);
        return (cell, (s * s * s / 6, (3 * t3 - 6 * t2 + 4) / 6, (-3 * t3 + 3 * t2 + 3 * t + 1) / 6, t3 / 6));
    }

    /// <summary>Bilinear samples at the coordinates in the scratch; what lies outside the image is black.</summary>
    private static unsafe void Sample(Canvas canvas, Scratch scratch, int size)
    {
        var (width, height, channels) = (canvas.Width, canvas.Height, canvas.Channels);
        // A border of one black pixel, so that every sample has four neighbours.
        var stride = (width + 2) * channels;
        var padded = scratch.Padded(stride * (height + 2) + 8);
        Array.Clear(padded);
        for (var y = 0; y < height; y++)
            canvas.Pixels.Slice(y * width * channels, width * channels).CopyTo(padded.AsSpan((y + 1) * stride + channels));
        var drawn = canvas.Draw(size, size, channels);
        var (maxX, maxY) = (width + 0.9999f, height + 0.9999f);           // so that the right neighbour is inside the border
        fixed (float* xs = scratch.OffsetsX, ys = scratch.OffsetsY)
        fixed (byte* from = padded, start = drawn)
        {
            var to = start;
            for (var i = 0; i < size * size; i++)
            {
                var x = Math.Min(Math.Max(xs[i] + 1, 0), maxX);
                var y = Math.Min(Math.Max(ys[i] + 1, 0), maxY);
                var (ix, iy) = ((int)x, (int)y);
                var (fx, fy) = (x - ix, y - iy);
                var at = from + iy * stride + ix * channels;
                for (var c = 0; c < channels; c++, at++)
                {
                    var top = at[0] + fx * (at[channels] - at[0]);
                    var bottom = at[stride] + fx * (at[stride + channels] - at[stride]);
                    *to++ = (byte)(top + fy * (bottom - top) + 0.5f);
                }
            }
        }
        canvas.Turn(size, size, channels);
    }

    private sealed class Scratch
    {
        private byte[] padded = [];

        public float[] OffsetsX { get; private set; } = [];

        public float[] OffsetsY { get; private set; } = [];

        public float[] Rows { get; private set; } = [];

        public void Fit(int size)
        {
            if (OffsetsX.Length >= size * size)
                return;
            (OffsetsX, OffsetsY, Rows) = (new float[size * size], new float[size * size], new float[19 * size]);
        }

        public byte[] Padded(int length) => padded.Length >= length ? padded : padded = new byte[length];
    }
}
