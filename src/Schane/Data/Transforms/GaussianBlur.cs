using System.Numerics;
using System.Numerics.Tensors;
using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>Blurs with a Gaussian of random width with the given probability (torchvision's <c>GaussianBlur</c>; the
/// border is reflected).</summary>
public sealed record GaussianBlur(int Kernel) : ImageStep
{
    /// <summary>Side of the kernel in pixels, odd.</summary>
    public int Kernel { get; } = Kernel > 0 && Kernel % 2 == 1
        ? Kernel : throw new ArgumentOutOfRangeException(nameof(Kernel), $"Kernel must be odd and above 0 but is {Kernel}.");

    /// <summary>Smallest standard deviation in pixels. 0.1 by default.</summary>
    public double MinSigma { get; init => field = Require.Positive(value); } = 0.1;

    /// <summary>Largest standard deviation in pixels. 2 by default.</summary>
    public double MaxSigma { get; init => field = Require.Positive(value); } = 2;

    /// <summary>How often, 0 to 1. 0.5 by default, as SimCLR does.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 0.5;

    [ThreadStatic] private static float[]? source, between, blurred;

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var (happens, sigma) = (random.NextDouble() < Probability, random.Uniform(MinSigma, MaxSigma));
        if (happens)
            Blur(canvas, Kernel, sigma);
    }

    internal static void Blur(Canvas canvas, int kernel, double sigma)
    {
        Span<float> weights = stackalloc float[kernel <= 512
            ? kernel : throw new ArgumentOutOfRangeException(nameof(kernel), $"Kernel must be at most 512 but is {kernel}.")];
        var (half, total) = (kernel / 2, 0f);
        for (var k = 0; k < kernel; k++)
            total += weights[k] = (float)Math.Exp(-0.5 * (k - half) * (k - half) / (sigma * sigma));
        foreach (ref var w in weights)
            w /= total;

        var (width, height, c) = (canvas.Width, canvas.Height, canvas.Channels);
        var (stride, margin, room) = (width * c, half * c, Vector<float>.Count);
        var levels = Room(ref source, stride * height + room);
        var line = Room(ref between, margin + stride + margin + room);
        var sums = Room(ref blurred, stride + room);
        TensorPrimitives.ConvertChecked<byte, float>(canvas.Pixels, levels);
        var drawn = canvas.Draw(width, height, c);
        for (var y = 0; y < height; y++)
        {
            // Down the columns. A last vector may reach beyond the row: what it makes there is overwritten or not looked at.
            for (var i = 0; i < stride; i += room)
            {
                var sum = Vector<float>.Zero;
                for (var k = 0; k < kernel; k++)
                    sum += weights[k] * new Vector<float>(levels, Reflect(y + k - half, height) * stride + i);
                sum.CopyTo(line, margin + i);
            }
            for (var x = 1; x <= half; x++)
                for (var ch = 0; ch < c; ch++)
                {
                    line[(half - x) * c + ch] = line[margin + Reflect(-x, width) * c + ch];
                    line[margin + stride + (x - 1) * c + ch] = line[margin + Reflect(width - 1 + x, width) * c + ch];
                }
            // Along the row, whose border now lies on both sides of it: tap k of sample i stands k pixels further.
            for (var i = 0; i < stride; i += room)
            {
                var sum = Vector<float>.Zero;
                for (var k = 0; k < kernel; k++)
                    sum += weights[k] * new Vector<float>(line, i + k * c);
                Vector.Round(sum).CopyTo(sums, i);
            }
            TensorPrimitives.ConvertSaturating<float, byte>(sums.AsSpan(0, stride), drawn.Slice(y * stride, stride));
        }
        canvas.Turn(width, height, c);
    }

    private static float[] Room(ref float[]? buffer, int length) =>
        buffer is null || buffer.Length < length ? buffer = new float[length] : buffer;

    // … 2 1 0 1 2 … : the border pixel itself isn't repeated; again and again where the kernel is larger than the image.
    private static int Reflect(int at, int size)
    {
        if (size == 1)
            return 0;
        while (at < 0 || at >= size)
            at = at < 0 ? -at : 2 * (size - 1) - at;
        return at;
    }
}
