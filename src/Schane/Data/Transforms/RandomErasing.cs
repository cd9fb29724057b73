using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>Paints over a random box with the given probability (Zhong et al. 2017, arXiv:1708.04896; torchvision's
/// <c>RandomErasing</c>).</summary>
public sealed record RandomErasing : ImageStep
{
    /// <summary>How often, 0 to 1. 0.25 by default, as timm does.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 0.25;

    /// <summary>Smallest share of the area. 0.02 by default.</summary>
    public double MinArea { get; init => field = Require.InRange(value, 0, 1); } = 0.02;

    /// <summary>Largest share of the area. 0.33 by default.</summary>
    public double MaxArea { get; init => field = Require.InRange(value, 0, 1); } = 0.33;

    /// <summary>Largest height ÷ width; the smallest is its inverse. 3.3 by default.</summary>
    public double MaxRatio { get; init => field = Require.InRange(value, 1, 100); } = 3.3;

    /// <summary>Red, green and blue that are painted; ImageNet's mean by default, about 0 after normalisation. A gray
    /// image takes the luma.</summary>
    public (byte R, byte G, byte B) Fill { get; init; } = (124, 116, 104);

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (random.NextDouble() >= Probability)
            return;
        var (width, height, c) = (canvas.Width, canvas.Height, canvas.Channels);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = (double)width * height * random.Uniform(MinArea, MaxArea);
            var ratio = Math.Exp(random.Uniform(-Math.Log(MaxRatio), Math.Log(MaxRatio)));
            var (h, w) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (h >= height || w >= width || h == 0 || w == 0)
                continue;
            var (top, left) = (random.Below(height - h + 1), random.Below(width - w + 1));
            Span<byte> fill = c == 3 ? [Fill.R, Fill.G, Fill.B] : [(byte)Colour.Luma(Fill.R, Fill.G, Fill.B)];
            var pixels = canvas.Own();
            for (var y = top; y < top + h; y++)
                for (var x = left; x < left + w; x++)
                    fill.CopyTo(pixels[((y * width + x) * c)..]);
            return;
        }
    }
}
