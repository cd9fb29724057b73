namespace Schane.Data.Transforms;

/// <summary>The operations that RandAugment, TrivialAugment and AutoAugment choose from.</summary>
internal enum AugmentOp
{
    Identity, ShearX, ShearY, TranslateX, TranslateY, Rotate, Brightness, Color, Contrast, Sharpness, Posterize, Solarize,
    AutoContrast, Equalize, Invert,
}

/// <summary>The operations as torchvision defines them on PIL images.</summary>
internal static class AugmentOps
{
    /// <summary>Does one operation.</summary>
    /// <param name="canvas">The image.</param>
    /// <param name="op">Which.</param>
    /// <param name="magnitude">Its strength: a slant, pixels, degrees, a factor less 1, bits, or a threshold.</param>
    /// <param name="bilinear">How geometry is sampled.</param>
    /// <param name="fill">What geometry leaves empty: one value a channel, or none for black.</param>
    public static void Apply(Canvas canvas, AugmentOp op, double magnitude, bool bilinear, ReadOnlySpan<byte> fill)
    {
        var (width, height) = (canvas.Width, canvas.Height);
        var degrees = Math.Atan(magnitude) * 180 / Math.PI;
        switch (op)
        {
            case AugmentOp.Identity:
                break;
            case AugmentOp.ShearX:
                Geometry.Apply(canvas, Geometry.Map.Inverse(0, 0, 0, 0, 0, 1, degrees, 0), bilinear, fill);
                break;
            case AugmentOp.ShearY:
                Geometry.Apply(canvas, Geometry.Map.Inverse(0, 0, 0, 0, 0, 1, 0, degrees), bilinear, fill);
                break;
            case AugmentOp.TranslateX:
                Geometry.Apply(canvas, new(1, 0, -(int)magnitude, 0, 1, 0), bilinear, fill);
                break;
            case AugmentOp.TranslateY:
                Geometry.Apply(canvas, new(1, 0, 0, 0, 1, -(int)magnitude), bilinear, fill);
                break;
            case AugmentOp.Rotate:
                Geometry.Apply(canvas, Geometry.Map.Rotation(magnitude, width, height), bilinear, fill);
                break;
            case AugmentOp.Brightness:
                Colour.Brightness(canvas.Own(), (float)(1 + magnitude));
                break;
            case AugmentOp.Color:
                Colour.Saturation(canvas.Own(), canvas.Channels, (float)(1 + magnitude));
                break;
            case AugmentOp.Contrast:
                Colour.Contrast(canvas.Own(), canvas.Channels, (float)(1 + magnitude));
                break;
            case AugmentOp.Sharpness:
                Tone.Sharpness(canvas, (float)(1 + magnitude));
                break;
            case AugmentOp.Posterize:
                Tone.Posterize(canvas.Own(), (int)magnitude);
                break;
            case AugmentOp.Solarize:
                Tone.Solarize(canvas.Own(), magnitude);
                break;
            case AugmentOp.AutoContrast:
                Tone.AutoContrast(canvas.Own(), canvas.Channels);
                break;
            case AugmentOp.Equalize:
                Tone.Equalize(canvas.Own(), canvas.Channels);
                break;
            case AugmentOp.Invert:
                Tone.Invert(canvas.Own());
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(op), $"op must be one of the operations but is {op}.");
        }
    }
}
