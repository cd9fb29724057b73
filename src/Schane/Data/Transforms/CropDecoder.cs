using Schane.Data.Reading;
using SkiaSharp;

namespace Schane.Data.Transforms;

/// <summary>
/// Decodes no more rows of a JPEG than the box that a random crop has drawn needs: those above are skipped, those below never reached.
/// Where libturbojpeg is found all rows down to the last of the box are decoded, which is faster still.
/// </summary>
/// <remarks>
/// Other formats, and images to be turned upright, are decoded whole. The pixels are those of a whole decode. Columns can't be left out:
/// SkiaSharp 4.155 hands Skia a subset on its own stack, and Skia looks at it again, long gone, to fill up the rows of a damaged file.
/// </remarks>
internal static class CropDecoder
{
    [ThreadStatic] private static byte[]? rows;

    /// <summary>Puts the cropped and resized image on the canvas; draws what the crop draws on a decoded image.</summary>
    public static unsafe void Decode(ReadOnlySpan<byte> file, string name, ImageLimits limits, RandomResizedCrop crop, int channels,
        ref Tensors.SampleRandom random, Canvas canvas)
    {
        if (Magic.Sniff(file) == ImageFormat.Jpeg)
            fixed (byte* start = file)
            {
                using var codec = ImageDecoder.Open(start, file, name, limits);
                if (Orientation.Of(file) == 1 && codec.Info.ColorType != SKColorType.Gray8)
                {
                    Box(codec, file, name, crop, channels, ref random, canvas);
                    return;
                }
            }
        canvas.Load(ImageDecoder.Decode(file, name, limits));
        if (channels == 1)
            canvas.ToChannels(1);
        crop.Apply(canvas, ref random);
    }

    private static unsafe void Box(SKCodec codec, ReadOnlySpan<byte> file, string name, RandomResizedCrop crop, int channels,
        ref Tensors.SampleRandom random, Canvas canvas)
    {
        ImageDecoder.CheckMarkers(codec, file, name);
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var (left, top, boxWidth, boxHeight) = crop.Draw(width, height, ref random);
        if (TurboJpeg.TryDecode(file, width, height, top + boxHeight, 3, canvas.Draw(width, height, 3), out var fault))
        {
            canvas.Turn(width, height, 3);
            if (channels == 1)
                canvas.ToChannels(1);
            Resize.Box(canvas, left, top, boxWidth, boxHeight, crop.Size, crop.Size, crop.Interpolation);
            return;
        }
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var stride = width * 4;
        if (rows is null || rows.Length < stride * boxHeight)
            rows = GC.AllocateUninitializedArray<byte>(stride * boxHeight);
        ImageDecoder.Check(codec, codec.StartScanlineDecode(info), name);
        fixed (byte* decoded = rows)
            if ((top > 0 && !codec.SkipScanlines(top)) || codec.GetScanlines((nint)decoded, boxHeight, stride) != boxHeight)
                ImageDecoder.Check(codec, SKCodecResult.IncompleteInput, name);

        ImageDecoder.Refuse(fault, name);
        var tight = canvas.Draw(boxWidth, boxHeight, 3);
        for (var y = 0; y < boxHeight; y++)
            PixelRows.DropAlpha(rows.AsSpan(y * stride + left * 4, boxWidth * 4), tight.Slice(y * boxWidth * 3, boxWidth * 3));
        canvas.Turn(boxWidth, boxHeight, 3);
        if (channels == 1)
            canvas.ToChannels(1);
        Resize.Box(canvas, 0, 0, boxWidth, boxHeight, crop.Size, crop.Size, crop.Interpolation);
    }
}
