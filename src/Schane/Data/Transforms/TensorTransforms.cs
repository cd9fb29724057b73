using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Data.Transforms;

// […, C, H, W]; C is 3 where colours are changed.

/// <summary>
/// torchvision's functional transforms on images that are tensors: float32 in [0, 1], or uint8, which is rounded or cut off where
/// torchvision does. For images that don't come from files; those are faster through <see cref="ImagePipeline"/>.
/// </summary>
internal static class TensorTransforms
{
    /// <summary>Resizes to a height and width.</summary>
    /// <param name="images">[…, C, H, W], float32 or uint8.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="filter">Bilinear or Bicubic without <paramref name="antialias"/>, any with it.</param>
    /// <param name="antialias">The support grows with the shrinkage, as for files. Bicubic without it is PyTorch's a = −0.75.</param>
    /// <returns>[…, C, height, width] of the same type. Floats may leave [0, 1], as torchvision's do.</returns>
    /// <exception cref="ArgumentException">Another type or fewer than three dimensions, or a filter that there is not.</exception>
    public static Tensor Resize(Tensor images, int height, int width, Interpolation filter = Interpolation.Bicubic, bool antialias = true)
    {
        Check(images, channels: null);
        Require.AtLeast(height, 1);
        Require.AtLeast(width, 1);
        using var scope = NewDisposeScope();
        var x = images.to_type(ScalarType.Float32);
        var (rest, rows, columns) = (x.shape[..^2], (int)x.shape[^2], (int)x.shape[^1]);
        if (antialias)
            x = Weights(rows, height, filter).to(x.device).matmul(x).matmul(Weights(columns, width, filter).to(x.device).T);
        else
        {
            var mode = filter switch
            {
                Interpolation.Bilinear => InterpolationMode.Bilinear,
                Interpolation.Bicubic => InterpolationMode.Bicubic,
                _ => throw new ArgumentException($"filter must be Bilinear or Bicubic where antialias is false but is {filter}.",
                    nameof(filter)),
            };
            x = nn.functional.interpolate(x.reshape([-1, x.shape[^3], rows, columns]), [height, width], mode: mode, align_corners: false)
                .reshape([.. rest, height, width]);
        }
        return (images.dtype == ScalarType.Byte ? Bytes(x.round()) : x).MoveToOuterDisposeScope();
    }

    /// <summary>Blends with black: <paramref name="factor"/> 0 is black, 1 leaves as it is.</summary>
    public static Tensor AdjustBrightness(Tensor images, double factor)
    {
        Check(images, channels: null);
        using var scope = NewDisposeScope();
        return Blend(images, zeros(1, device: images.device), factor).MoveToOuterDisposeScope();
    }

    /// <summary>Blends with the mean luma of each image.</summary>
    public static Tensor AdjustContrast(Tensor images, double factor)
    {
        Check(images, channels: 3);
        using var scope = NewDisposeScope();
        return Blend(images, Luma(images).mean([-3, -2, -1], keepdim: true), factor).MoveToOuterDisposeScope();
    }

    /// <summary>Blends with the gray image.</summary>
    public static Tensor AdjustSaturation(Tensor images, double factor)
    {
        Check(images, channels: 3);
        using var scope = NewDisposeScope();
        return Blend(images, Luma(images), factor).MoveToOuterDisposeScope();
    }

    /// <summary>Turns the hue by a share of the circle, −0.5 to 0.5.</summary>
    public static Tensor AdjustHue(Tensor images, double share)
    {
        Check(images, channels: 3);
        Require.InRange(share, -0.5, 0.5);
        using var scope = NewDisposeScope();
        var bytes = images.dtype == ScalarType.Byte;
        var x = bytes ? images.to_type(ScalarType.Float32) / 255 : images;
        var (r, g, b) = (x.select(-3, 0), x.select(-3, 1), x.select(-3, 2));
        var (value, least) = (x.amax([-3]), x.amin([-3]));
        var chroma = value - least;
        var safe = where(chroma == 0, ones_like(chroma), chroma);
        var saturation = chroma / where(chroma == 0, ones_like(value), value);
        var (rc, gc, bc) = ((value - r) / safe, (value - g) / safe, (value - b) / safe);
        var hue = where(value == r, bc - gc, where(value == g, 2 + rc - bc, 4 + gc - rc));
        hue = ((hue / 6 + 1).fmod(1) + share).remainder(1);

        var sector = (hue * 6).floor();
        var f = hue * 6 - sector;
        var p = (value * (1 - saturation)).clamp(0, 1);
        var q = (value * (1 - saturation * f)).clamp(0, 1);
        var t = (value * (1 - saturation * (1 - f))).clamp(0, 1);
        sector = sector.remainder(6);
        Tensor Pick(params Tensor[] bySector)
        {
            var picked = bySector[5];
            for (var s = 4; s >= 0; s--)
                picked = where(sector == s, bySector[s], picked);
            return picked;
        }
        var turned = stack([Pick(value, q, p, p, t, value), Pick(t, value, value, q, p, p), Pick(p, p, t, value, value, q)], -3);
        // As torchvision makes bytes of floats: 256 equal shares.
        return (bytes ? (turned * (256 - 1e-3)).to_type(ScalarType.Byte) : turned).MoveToOuterDisposeScope();
    }

    /// <summary>0.2989 R + 0.587 G + 0.114 B, [… , 1, H, W] as float32; of bytes cut off to whole numbers.</summary>
    private static Tensor Luma(Tensor images)
    {
        var x = images.to_type(ScalarType.Float32);
        var gray = (0.2989 * x.select(-3, 0) + 0.587 * x.select(-3, 1) + 0.114 * x.select(-3, 2)).unsqueeze(-3);
        return images.dtype == ScalarType.Byte ? gray.floor() : gray;
    }

    private static Tensor Blend(Tensor images, Tensor with, double factor)
    {
        var blended = factor * images.to_type(ScalarType.Float32) + (1 - factor) * with;
        return images.dtype == ScalarType.Byte ? Bytes(blended) : blended.clamp(0, 1);
    }

    private static Tensor Bytes(Tensor values) => values.clamp(0, 255).to_type(ScalarType.Byte);

    /// <summary>[outSize, size]: PIL's coefficients of one axis.</summary>
    private static Tensor Weights(int size, int outSize, Interpolation filter)
    {
        var axis = new Axis();
        axis.Set(size, outSize, filter);
        var dense = new float[outSize * size];
        for (var i = 0; i < outSize; i++)
            for (var k = 0; k < axis.Taps && axis.Starts[i] + k < size; k++)
                dense[i * size + axis.Starts[i] + k] = axis.Weights[i * axis.Taps + k];
        return tensor(dense, [outSize, size]);
    }

    private static void Check(Tensor images, int? channels)
    {
        if (images.dtype is not (ScalarType.Float32 or ScalarType.Byte) || images.dim() < 3 || (channels is { } c && images.shape[^3] != c))
            throw new ArgumentException($"images must be float32 or uint8 of shape [..., {(channels is { } n ? $"{n}" : "C")}, H, W] but " +
                $"are {images.dtype} [{string.Join(", ", images.shape)}].", nameof(images));
    }
}
