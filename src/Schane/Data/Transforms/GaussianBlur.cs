using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>Blurs with a Gaussian of random width with the given probability (torchvision's <c>GaussianBlur</c>; the border is reflected).</summary>
public sealed record GaussianBlur(int Kernel) : ImageStep
{
    /// <summary>Side of the kernel in pixels, odd.</summary>
    public int Kernel { get; } = Kernel > 0 && Kernel % 2 == 1 ? Kernel : throw new ArgumentOutOfRangeException(nameof(Kernel), $"Kernel must be odd and above 0 but is {Kernel}.");

    /// <summary>Smallest standard deviation in pixels. 0.1 by default.</summary>
    public double MinSigma { get; init => field = Require.Positive(value); } = 0.1;

    /// <summary>Largest standard deviation in pixels. 2 by default.</summary>
    public double MaxSigma { get; init => field = Require.Positive(value); } = 2;

    /// <summary>How often, 0 to 1. 0.5 by default, as SimCLR does.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 0.5;

    [ThreadStatic] private static float[]? between;

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var (happens, sigma) = (random.NextDouble() < Probability, random.Uniform(MinSigma, MaxSigma));
        if (happens)
            Blur(canvas, Kernel, sigma);
    }

    internal static void Blur(Canvas canvas, int kernel, double sigma)
    {
        Span<float> weights = stackalloc float[kernel <= 512 ? kernel : throw new ArgumentOutOfRangeException(nameof(kernel), $"Kernel must be at most 512 but is {kernel}.")];
        var (half, sum) = (kernel / 2, 0f);
        for (var k = 0; k < kernel; k++)
            sum += weights[k] = (float)Math.Exp(-0.5 * (k - half) * (k - half) / (sigma * sigma));
        foreach (ref var w in weights)
            w /= sum;

        var (width, height, c) = (canvas.Width, canvas.Height, canvas.Channels);
        var stride = width * c;
        if (between is null || between.Length < stride * height)
            between = new float[stride * height];
        var source = canvas.Pixels;
        var drawn = canvas.Draw(width, height, c);
        for (var y = 0; y < height; y++)
        {
            var to = between.AsSpan(y * stride, stride);
            to.Clear();
            for (var k = 0; k < kernel; k++)
            {
                var row = source.Slice(Reflect(y + k - half, height) * stride, stride);
                for (var i = 0; i < to.Length; i++)
                    to[i] += weights[k] * row[i];
            }
        }
        for (var y = 0; y < height; y++)
        {
            var row = between.AsSpan(y * stride, stride);
            for (var x = 0; x < width; x++)
                for (var ch = 0; ch < c; ch++)
                {
                    var value = 0f;
                    for (var k = 0; k < kernel; k++)
                        value += weights[k] * row[Reflect(x + k - half, width) * c + ch];
                    drawn[y * stride + x * c + ch] = (byte)Math.Clamp(MathF.Round(value), 0, 255);
                }
        }
        canvas.Turn(width, height, c);
    }

    // … 2 1 0 1 2 … : the border pixel itself isn't repeated; again and again where the kernel is larger than the picture.
    private static int Reflect(int at, int size)
    {
        if (size == 1)
            return 0;
        while (at < 0 || at >= size)
            at = at < 0 ? -at : 2 * (size - 1) - at;
        return at;
    }
}
