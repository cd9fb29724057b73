using SkiaSharp;

namespace Schane.Data;

/// <summary>Decoded images → SkiaSharp's bitmaps and files.</summary>
internal static class ImageEncoder
{
    /// <summary>A lossless file that any program shows.</summary>
    public static byte[] Png(Image8 image) => Encoded(image, SKEncodedImageFormat.Png, 100);

    /// <summary>A small file for pages.</summary>
    public static byte[] WebP(Image8 image) => Encoded(image, SKEncodedImageFormat.Webp, 80);

    /// <summary>The same pixels, gray as three equal channels; the caller's.</summary>
    public static SKBitmap Bitmap(Image8 image)
    {
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var to = bitmap.GetPixelSpan();
        for (var i = 0; i < image.Width * image.Height; i++)
        {
            for (var c = 0; c < 3; c++)
                to[4 * i + c] = image.Pixels[i * image.Channels + Math.Min(c, image.Channels - 1)];
            to[4 * i + 3] = 255;
        }
        return bitmap;
    }

    private static byte[] Encoded(Image8 image, SKEncodedImageFormat format, int quality)
    {
        using var bitmap = Bitmap(image);
        using var encoded = bitmap.Encode(format, quality);
        return encoded.ToArray();
    }
}
