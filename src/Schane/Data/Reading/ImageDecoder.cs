using SkiaSharp;

namespace Schane.Data.Reading;

/// <summary>
/// Decodes JPEG, PNG, GIF, WebP and BMP by content, and HEIC, AVIF, TIFF, JPEG 2000 and JPEG XL where the package Schane.Formats lies
/// beside the program, never by name: orientation from EXIF applied, first frame of animations, 16-bit reduced
/// to 8, CMYK turned to RGB, alpha and transparent colours dropped as PIL's <c>convert("RGB")</c> does, no colour management.
/// </summary>
/// <remarks>
/// Gray files give one channel, everything else three. A file that ends too early is an error, not a half-gray image. Every failure is a
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
    public static Image8 Decode(ReadOnlySpan<byte> bytes, string name, ImageLimits? limits = null, bool orient = true) =>
        Decode(bytes, name, limits, orient, out _);

    /// <summary>The same, with what is wrong with a file that is decoded all the same: a sentence, or null.</summary>
    internal static unsafe Image8 Decode(ReadOnlySpan<byte> bytes, string name, ImageLimits? limits, bool orient, out string? damage)
    {
        damage = null;
        if (OtherFormats.TryDecode(bytes, name, limits ?? ImageLimits.Default, orient, out var other))
            return other;
        var uncovered = ((byte, byte, byte)?)null;
        if (Magic.Sniff(bytes) == ImageFormat.Gif)
            (bytes, uncovered) = GifScan.Opaque(bytes);
        fixed (byte* start = bytes)
        {
            using var codec = Open(start, bytes, name, limits ?? ImageLimits.Default);
            var image = Jpeg(codec, bytes, name, out var fault) ?? (codec.Info.ColorType == SKColorType.Gray8
                ? Gray(codec, name) : Rgb(codec, name, uncovered));
            Refuse(fault, name);
            damage = fault is null ? null : $"'{Printable.Escape(name)}' is damaged inside ({fault.Text}), so a part of it may show what " +
                "was never there. Look at it, and copy or download it again.";
            return orient ? Orientation.Apply(image, Orientation.Of(bytes)) : image;
        }
    }

    /// <summary>Width and height after orientation, from the header alone.</summary>
    /// <exception cref="SchaneException">Not an image, or over the limits.</exception>
    public static unsafe (int Width, int Height) Measure(ReadOnlySpan<byte> bytes, string name, ImageLimits? limits = null)
    {
        if (OtherFormats.TryMeasure(bytes, name, limits ?? ImageLimits.Default, out var size))
            return size;
        fixed (byte* start = bytes)
        {
            using var codec = Open(start, bytes, name, limits ?? ImageLimits.Default);
            return Orientation.Swaps(Orientation.Of(bytes))
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
            RefuseLong(length, name, limits);
            var bytes = new byte[length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SchaneException($"There is no file '{Printable.Escape(name)}'.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new SchaneException($"'{Printable.Escape(name)}' can't be opened: {Printable.Escape(e.Message)}", e);
        }
    }

    internal static unsafe SKCodec Open(byte* start, ReadOnlySpan<byte> bytes, string name, ImageLimits limits)
    {
        RefuseLong(bytes.Length, name, limits);
        var format = Magic.Sniff(bytes);
        if (format == ImageFormat.Unknown)
            throw new SchaneException($"'{Printable.Escape(name)}' is not a JPEG, PNG, GIF, WebP or BMP image: {Magic.Describe(bytes)}. " +
                "Remove it or put the image in its place.");
        var data = SKData.Create((nint)start, bytes.Length);
        var codec = SKCodec.Create(data);
        data.Dispose();                                                   // the codec holds its own reference
        if (codec is null)
            throw new SchaneException(
                $"'{Printable.Escape(name)}' begins as a {Name(format)} but its header can't be read; it is cut off or damaged.");
        try
        {
            RefuseLarge(codec.Info.Width, codec.Info.Height, name, limits);
            return codec;
        }
        catch
        {
            codec.Dispose();
            throw;
        }
    }

    internal static void RefuseLong(long length, string name, ImageLimits limits)
    {
        if (length > (long)limits.MaxMegabytes << 20)
            throw new SchaneException($"'{Printable.Escape(name)}' is {length >> 20} MiB; images may have {limits.MaxMegabytes} MiB. " +
                "Shrink it or raise MaxMegabytes.");
    }

    internal static void RefuseLarge(int width, int height, string name, ImageLimits limits)
    {
        if ((long)width * height is var pixels && pixels > limits.MaxPixels)
            throw new SchaneException($"'{Printable.Escape(name)}' is {width} × {height} = {pixels} pixels; images may have " +
                $"{limits.MaxPixels}. Shrink it or raise {limits.SettingOfPixels}.");
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

    /// <summary>The image of a JPEG where the faster decoder reads it without a word, else what that has to say.</summary>
    private static Image8? Jpeg(SKCodec codec, ReadOnlySpan<byte> bytes, string name, out JpegFault? fault)
    {
        fault = null;
        if (codec.EncodedFormat != SKEncodedImageFormat.Jpeg)
            return null;
        CheckMarkers(codec, bytes, name);
        var (width, height, channels) = (codec.Info.Width, codec.Info.Height, codec.Info.ColorType == SKColorType.Gray8 ? 1 : 3);
        if (!TurboJpeg.IsFound)
            return null;
        var pixels = new byte[width * height * channels];
        return TurboJpeg.TryDecode(bytes, width, height, height, channels, pixels, out fault) ? new(width, height, channels, pixels) : null;
    }

    /// <summary>Refuses a JPEG whose markers say that it is cut off or damaged.</summary>
    internal static void CheckMarkers(SKCodec codec, ReadOnlySpan<byte> bytes, string name)
    {
        var fault = JpegScan.Fault(bytes);
        if (fault == JpegFault.Cut)
            Check(codec, SKCodecResult.IncompleteInput, name);
        Refuse(fault, name);
    }

    /// <summary>Refuses a JPEG that a decoder has given up.</summary>
    internal static void Refuse(JpegFault? fault, string name)
    {
        if (fault is { IsFatal: true })
            throw new SchaneException($"'{Printable.Escape(name)}' is a JPEG that can't be decoded ({fault.Text}); it is damaged. Copy " +
                "or download it again.");
    }

    private static unsafe Image8 Rgb(SKCodec codec, string name, (byte R, byte G, byte B)? uncovered)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul;
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(checked(width * height * 4));
        try
        {
            fixed (byte* to = buffer)
                Check(codec, codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, alpha), (nint)to, width * 4,
                    SKCodecOptions.Default), name);
            var samples = buffer.AsSpan(0, width * height * 4);
            if (uncovered is var (r, g, b) && alpha != SKAlphaType.Opaque)
                for (var at = 0; at < samples.Length; at += 4)
                    if (samples[at + 3] == 0)
                        (samples[at], samples[at + 1], samples[at + 2]) = (r, g, b);
            var pixels = new byte[width * height * 3];
            PixelRows.DropAlpha(samples, pixels);
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
