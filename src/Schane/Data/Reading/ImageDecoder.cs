using SkiaSharp;

namespace Schane.Data.Reading;

/// <summary>
/// Decodes JPEG, PNG, GIF, WebP and BMP by content, never by name: orientation from EXIF applied, first frame of animations, 16-bit reduced
/// to 8, CMYK turned to RGB, alpha dropped as PIL's <c>convert("RGB")</c> does, no colour management.
/// </summary>
/// <remarks>
/// Gray files give one channel, everything else three. A file that ends too early is an error, not a half-gray picture. Every failure is a
/// <see cref="SchaneException"/> that names the file and, where it is no image at all, what its first bytes are. Thread-safe.
/// </remarks>
public static class ImageDecoder
{
    /// <summary>Reads and decodes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name in messages; the path if null.</param>
    /// <param name="limits">What is refused before it is decoded; <see cref="ImageLimits.Default"/> if null.</param>
    /// <param name="orient">Whether EXIF orientation is applied.</param>
    /// <exception cref="SchaneException">Missing, unreadable, too large, not an image, or cut off.</exception>
    public static Image8 DecodeFile(string path, string? name = null, ImageLimits? limits = null, bool orient = true) =>
        Decode(ReadBytes(path, name ?? path, limits ?? ImageLimits.Default), name ?? path, limits, orient);

    /// <summary>Decodes a file that is already in memory.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="limits">What is refused before it is decoded; <see cref="ImageLimits.Default"/> if null.</param>
    /// <param name="orient">Whether EXIF orientation is applied.</param>
    /// <exception cref="SchaneException">Too large, not an image, or cut off.</exception>
    public static unsafe Image8 Decode(ReadOnlySpan<byte> bytes, string name, ImageLimits? limits = null, bool orient = true)
    {
        fixed (byte* start = bytes)
        {
            using var codec = Open(start, bytes, name, limits ?? ImageLimits.Default);
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && JpegScan.IsProgressiveAndCut(bytes))
                Check(codec, SKCodecResult.IncompleteInput, name);
            var image = codec.Info.ColorType == SKColorType.Gray8 ? Gray(codec, name) : Turbo(codec, bytes) ?? Rgb(codec, name);
            return orient && codec.EncodedOrigin != SKEncodedOrigin.TopLeft ? Orientation.Apply(image, (int)codec.EncodedOrigin) : image;
        }
    }

    /// <summary>Width and height after orientation, from the header alone.</summary>
    /// <exception cref="SchaneException">Not an image, or over the limits.</exception>
    public static unsafe (int Width, int Height) Measure(ReadOnlySpan<byte> bytes, string name, ImageLimits? limits = null)
    {
        fixed (byte* start = bytes)
        {
            using var codec = Open(start, bytes, name, limits ?? ImageLimits.Default);
            return Orientation.Swaps((int)codec.EncodedOrigin)
                ? (codec.Info.Height, codec.Info.Width) : (codec.Info.Width, codec.Info.Height);
        }
    }

    /// <summary>A file's bytes, or the sentence that says why there are none.</summary>
    internal static byte[] ReadBytes(string path, string name, ImageLimits limits)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
                bufferSize: 0, FileOptions.SequentialScan);
            var length = file.Length;
            if (length > (long)limits.MaxMegabytes << 20)
                throw new SchaneException($"'{Printable.Escape(name)}' is {length >> 20} MiB; images may have {limits.MaxMegabytes} MiB. " +
                    "Shrink it or raise MaxMegabytes.");
            var bytes = new byte[length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SchaneException($"'{Printable.Escape(name)}' is not there any more, or never was.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new SchaneException($"'{Printable.Escape(name)}' can't be opened: {Printable.Escape(e.Message)}", e);
        }
    }

    internal static unsafe SKCodec Open(byte* start, ReadOnlySpan<byte> bytes, string name, ImageLimits limits)
    {
        if (bytes.Length > (long)limits.MaxMegabytes << 20)
            throw new SchaneException($"'{Printable.Escape(name)}' is {bytes.Length >> 20} MiB; images may have {limits.MaxMegabytes} " +
                "MiB. Shrink it or raise MaxMegabytes.");
        var format = Magic.Sniff(bytes);
        if (format == ImageFormat.Unknown)
            throw new SchaneException($"'{Printable.Escape(name)}' is not a JPEG, PNG, GIF, WebP or BMP image: {Magic.Describe(bytes)}. " +
                "Remove it or put the picture in its place.");
        var data = SKData.Create((nint)start, bytes.Length);
        var codec = SKCodec.Create(data);
        data.Dispose();                                                   // the codec holds its own reference
        if (codec is null)
            throw new SchaneException(
                $"'{Printable.Escape(name)}' begins as a {Name(format)} but its header can't be read; it is cut off or damaged.");
        if ((long)codec.Info.Width * codec.Info.Height is var pixels && pixels > limits.MaxPixels)
        {
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            codec.Dispose();
            throw new SchaneException($"'{Printable.Escape(name)}' is {width} × {height} = {pixels} pixels; images may have " +
                $"{limits.MaxPixels}. Shrink it or raise the limit (--max-megapixels, MaxPixels).");
        }
        return codec;
    }

    private static unsafe Image8 Gray(SKCodec codec, string name)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var pixels = new byte[width * height];
        fixed (byte* to = pixels)
            Check(codec, codec.GetPixels(new SKImageInfo(width, height, SKColorType.Gray8, SKAlphaType.Opaque), (nint)to, width,
                SKCodecOptions.Default), name);
        return new(width, height, 1, pixels);
    }

    private static Image8? Turbo(SKCodec codec, ReadOnlySpan<byte> bytes)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (codec.EncodedFormat != SKEncodedImageFormat.Jpeg || !TurboJpeg.IsFound)
            return null;
        var pixels = new byte[width * height * 3];
        return TurboJpeg.TryDecode(bytes, width, height, height, pixels) ? new(width, height, 3, pixels) : null;
    }

    private static unsafe Image8 Rgb(SKCodec codec, string name)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul;
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(checked(width * height * 4));
        try
        {
            fixed (byte* to = buffer)
                Check(codec, codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, alpha), (nint)to, width * 4,
                    SKCodecOptions.Default), name);
            var pixels = new byte[width * height * 3];
            PixelRows.DropAlpha(buffer.AsSpan(0, width * height * 4), pixels);
            return new(width, height, 3, pixels);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    internal static void Check(SKCodec codec, SKCodecResult result, string name)
    {
        if (result == SKCodecResult.Success)
            return;
        var format = codec.EncodedFormat.ToString().ToUpperInvariant();
        throw new SchaneException(result == SKCodecResult.IncompleteInput
            ? $"'{Printable.Escape(name)}' is a {format} that ends too early; it was cut off. Copy or download it again."
            : $"'{Printable.Escape(name)}' is a {format} that can't be decoded ({result}); it is damaged. Copy or download it again.");
    }

    internal static string Name(ImageFormat format) => format == ImageFormat.WebP ? "WebP" : format.ToString().ToUpperInvariant();
}
