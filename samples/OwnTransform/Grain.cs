using Schane.Data;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace OwnTransform;

/// <summary>The grain of a fast film: each sample is moved a little, each by a number of its own.</summary>
public sealed record Grain : PixelStep
{
    /// <summary>Deviation of the grain in levels of 0 to 255.</summary>
    public double Deviation { get; init; } = 12;

    /// <inheritdoc/>
    protected override Image8 Apply(Image8 image, ref SampleRandom random)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)Math.Clamp(image.Pixels[i] + Deviation * random.Normal(), 0, 255);
        return image with { Pixels = pixels };
    }
}
