using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>Resizes so that the shorter side has <see cref="Size"/> pixels, or both where <see cref="Square"/> (torchvision's
/// <c>Resize</c>, antialiased).</summary>
public sealed record Resize(int Size) : ImageStep
{
    /// <summary>Whether both sides become <see cref="Size"/>, whatever the proportions. False by default.</summary>
    public bool Square { get; init; }

    /// <summary>Bicubic by default.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>The size an image gets: the longer side is cut down to a whole number, as torchvision does.</summary>
    internal (int Width, int Height) Target(int width, int height) =>
        Square ? (Size, Size) : width <= height ? (Size, (int)((long)Size * height / width)) : ((int)((long)Size * width / height), Size);

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var (width, height) = Target(canvas.Width, canvas.Height);
        if ((width, height) != (canvas.Width, canvas.Height))
            Box(canvas, 0, 0, canvas.Width, canvas.Height, width, height, Interpolation);
    }

    internal override (int Width, int Height)? SizeAfter((int Width, int Height)? before) =>
        Square ? (Size, Size) : before is { } size ? Target(size.Width, size.Height) : null;

    /// <summary>Cuts a box out of the image and resizes it.</summary>
    internal static void Box(Canvas canvas, int left, int top, int width, int height, int outWidth, int outHeight, Interpolation filter)
    {
        var c = canvas.Channels;
        var stride = canvas.Width * c;
        var source = canvas.Pixels[(top * stride + left * c)..];
        var drawn = canvas.Draw(outWidth, outHeight, c);
        if ((width, height) == (outWidth, outHeight))
            for (var y = 0; y < height; y++)
                source.Slice(y * stride, width * c).CopyTo(drawn[(y * width * c)..]);
        else
            Resampler.Resize(source, stride, width, height, c, filter, drawn, outWidth, outHeight);
        canvas.Turn(outWidth, outHeight, c);
    }
}
