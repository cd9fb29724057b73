namespace Schane.Data.Transforms;

/// <summary>
/// Which source pixels an axis of a resize weighs for each of its output pixels, and how: PIL's coefficients. Buffers are used again, and
/// nothing is computed where the sizes are those of the last time.
/// </summary>
internal sealed class Axis
{
    private (int Size, int OutSize, Interpolation Filter) set;
    private float[]? weights;
    private int[]? starts;
    private short[]? whole, pairs;
    private bool hasWhole, hasPairs;

    public int Size => set.Size;

    public int OutSize => set.OutSize;

    /// <summary>Weights an output pixel has; zero beyond its support. Pixels outside the image have no weight.</summary>
    public int Taps { get; private set; }

    /// <summary>[OutSize · Taps].</summary>
    public float[] Weights => weights!;

    /// <summary>[OutSize]: the first source pixel of each.</summary>
    public int[] Starts => starts!;

    /// <summary>Groups of four taps.</summary>
    public int Groups => (Taps + 3) / 4;

    /// <summary>[OutSize · Taps]: the weights times 2^<see cref="Bits"/> as whole numbers that sum to it exactly
    /// for each output pixel.</summary>
    public short[] Whole
    {
        get
        {
            if (!hasWhole)
                RoundWeights();
            hasWhole = true;
            return whole!;
        }
    }

    /// <summary>[OutSize · Groups · 16]: <see cref="Whole"/> as <see cref="Resampler"/> multiplies them with RGB.</summary>
    public short[] Pairs
    {
        get
        {
            if (!hasPairs)
                LayOutPairs();
            hasPairs = true;
            return pairs!;
        }
    }

    /// <summary>15, or 14 where a weight is near 1: all fit 16 bits then, and so does one that is set right by a few units.</summary>
    public int Bits { get; private set; }

    public void Set(int size, int outSize, Interpolation filter)
    {
        if (set == (size, outSize, filter))
            return;
        var scale = (double)size / outSize;
        var stretch = Math.Max(scale, 1);
        var support = Support(filter) * stretch;
        Taps = (int)Math.Ceiling(2 * support);                            // no more centres of pixels lie between low and high
        (set, hasWhole, hasPairs) = ((size, outSize, filter), false, false);
        var all = Resampler.Grow(ref weights, Taps * outSize).AsSpan(0, Taps * outSize);
        Resampler.Grow(ref starts, outSize);
        all.Clear();
        Span<double> exact = Taps <= 256 ? stackalloc double[Taps] : new double[Taps];
        var largest = 0f;
        for (var i = 0; i < outSize; i++)
        {
            var center = (i + 0.5) * scale;
            var own = all.Slice(i * Taps, Taps);
            if (filter == Interpolation.Nearest)
            {
                starts![i] = Math.Min((int)center, size - 1);
                own[0] = largest = 1;
                continue;
            }
            var low = Math.Max((int)(center - support + 0.5), 0);
            var count = Math.Min(Math.Min((int)(center + support + 0.5), size) - low, Taps);
            var sum = 0.0;
            for (var k = 0; k < count; k++)
                sum += exact[k] = Kernel((k + low - center + 0.5) / stretch, filter);
            for (var k = 0; k < count; k++)
                largest = Math.Max(largest, own[k] = (float)(exact[k] / sum));
            starts![i] = low;
        }
        Bits = largest < 0.99f ? 15 : 14;
    }

    private void RoundWeights()
    {
        var all = Resampler.Grow(ref whole, OutSize * Taps);
        var one = 1 << Bits;
        for (var x = 0; x < OutSize; x++)
        {
            var from = Weights.AsSpan(x * Taps, Taps);
            var to = all.AsSpan(x * Taps, Taps);
            var (sum, peak) = (0, 0);
            for (var k = 0; k < from.Length; k++)
            {
                sum += to[k] = (short)MathF.Round(from[k] * one);
                peak = from[k] > from[peak] ? k : peak;
            }
            to[peak] += (short)(one - sum);
        }
    }

    private void LayOutPairs()
    {
        var all = Resampler.Grow(ref pairs, OutSize * Groups * 16).AsSpan(0, OutSize * Groups * 16);
        all.Clear();
        for (var x = 0; x < OutSize; x++)
        {
            var to = all.Slice(x * Groups * 16, Groups * 16);
            for (var k = 0; k < Taps; k++)
            {
                var at = k / 4 * 16 + k % 4 / 2 * 8 + k % 2;
                to[at] = to[at + 2] = to[at + 4] = Whole[x * Taps + k];
            }
        }
    }

    private static double Support(Interpolation filter) =>
        filter switch { Interpolation.Bilinear => 1, Interpolation.Bicubic => 2, Interpolation.Lanczos => 3, _ => 0.5 };

    private static double Kernel(double x, Interpolation filter)
    {
        x = Math.Abs(x);
        return filter switch
        {
            Interpolation.Bilinear => x < 1 ? 1 - x : 0,
            Interpolation.Bicubic => x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0,
            Interpolation.Lanczos => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
            _ => x <= 0.5 ? 1 : 0,
        };
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
}
