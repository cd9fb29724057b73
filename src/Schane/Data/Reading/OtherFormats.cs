using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Schane.Data.Listing;

namespace Schane.Data.Reading;

/// <summary>What reads the kinds of images that this library does not; the package Schane.Formats has one.</summary>
/// <remarks>A file that is damaged is an <see cref="InvalidDataException"/> with a few words that say why.</remarks>
internal interface IOtherFormats
{
    /// <summary>Width and height, upright, from the header alone.</summary>
    (int Width, int Height) Measure(ReadOnlySpan<byte> bytes, string kind);

    /// <summary>The first page of a file.</summary>
    Image8 Decode(ReadOnlySpan<byte> bytes, string kind, bool orient);

    /// <summary>How many pages there are, from their headers.</summary>
    int Pages(ReadOnlySpan<byte> bytes, string kind);

    /// <summary>Bits of a sample, from the header alone.</summary>
    int Bits(ReadOnlySpan<byte> bytes, string kind);
}

/// <summary>Hands HEIC, AVIF, TIFF, JPEG 2000 and JPEG XL to the package Schane.Formats where it lies beside the program.</summary>
internal static class OtherFormats
{
    /// <summary>Bytes of a file that tell whether it is read.</summary>
    public const int HeadLength = 64;

    private const string Package = "Schane.Formats";

    private static readonly Lazy<IOtherFormats?> Found = new(Find);

    /// <summary>The kind of a file that the package reads, where it is at hand; null of others.</summary>
    /// <param name="name">The file's name, which tells raw camera files from TIFF.</param>
    /// <param name="head">Its first <see cref="HeadLength"/> bytes, all of a shorter one.</param>
    public static string? KindOf(string name, ReadOnlySpan<byte> head) =>
        UnreadKinds.ByContent(name, head) is UnreadKinds.Heic or UnreadKinds.Avif or UnreadKinds.Tiff or UnreadKinds.Jpeg2000
            or UnreadKinds.JpegXl && HoldsTogether(head) && !IsCodestream(head) && Found.Value is not null
            ? UnreadKinds.ByContent(name, head) : null;

    /// <summary>Width and height of a file that the package reads.</summary>
    public static bool TryMeasure(ReadOnlySpan<byte> bytes, string name, ImageLimits limits, out (int Width, int Height) size)
    {
        size = default;
        if (limits.OnlyBuiltIn || KindOf(name, bytes) is not { } kind)
            return false;
        size = Measured(bytes, name, kind, limits);
        return true;
    }

    /// <summary>The image in a file that the package reads; its size is known to be allowed before any pixel is decoded.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, string name, ImageLimits limits, bool orient,
        [NotNullWhen(true)] out Image8? image)
    {
        image = null;
        if (limits.OnlyBuiltIn || KindOf(name, bytes) is not { } kind)
            return false;
        Measured(bytes, name, kind, limits);
        try
        {
            image = Found.Value!.Decode(bytes, kind, orient);
            return true;
        }
        catch (InvalidDataException e)
        {
            throw Damaged(name, kind, e);
        }
    }

    /// <summary>What is to be said of a file that was read: that it has more pages; null for nothing.</summary>
    public static string? NoteOf(ReadOnlySpan<byte> bytes, string name) =>
        KindOf(name, bytes) is { } kind && Found.Value!.Pages(bytes, kind) is > 1 and var pages
            ? $"'{Printable.Escape(name)}' has {pages} pages; the first is read." : null;

    /// <summary>Bits of a sample of a file that was read; 0 of one that the package does not read.</summary>
    public static int BitsOf(ReadOnlySpan<byte> bytes, string name) =>
        KindOf(name, bytes) is { } kind ? Found.Value!.Bits(bytes, kind) : 0;

    private static (int Width, int Height) Measured(ReadOnlySpan<byte> bytes, string name, string kind, ImageLimits limits)
    {
        ImageDecoder.RefuseLong(bytes.Length, name, limits);
        try
        {
            var size = Found.Value!.Measure(bytes, kind);
            ImageDecoder.RefuseLarge(size.Width, size.Height, name, limits);
            return size;
        }
        catch (InvalidDataException e)
        {
            throw Damaged(name, kind, e);
        }
    }

    private static SchaneException Damaged(string name, string kind, InvalidDataException e) =>
        new($"'{Printable.Escape(name)}' is a {kind} that can't be decoded ({Printable.Escape(e.Message)}); it is cut off or damaged. " +
            "Copy or download it again.", e);

    /// <summary>Whether the second box of a HEIC or AVIF is there, of which the first alone is not an image; true of others.</summary>
    private static bool HoldsTogether(ReadOnlySpan<byte> head)
    {
        if (head is not [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', ..])
            return true;
        var second = (long)BinaryPrimitives.ReadUInt32BigEndian(head) + 4;
        return second + 4 <= head.Length ? !head.Slice((int)second, 4).ContainsAnyExceptInRange((byte)'a', (byte)'z')
            : head.Length >= HeadLength;
    }

    /// <summary>Whether JPEG 2000 comes without its container: one damaged byte makes that take many gigabytes (docs/log.md), so it is left
    /// unread.</summary>
    private static bool IsCodestream(ReadOnlySpan<byte> head) => head is [0xFF, 0x4F, 0xFF, 0x51, ..];

    private static IOtherFormats? Find()
    {
        try
        {
            var type = Assembly.Load(Package).GetType($"{Package}.MagickFormats", throwOnError: true)!;
            return (IOtherFormats)Activator.CreateInstance(type)!;
        }
        catch (FileNotFoundException)
        {
            return null;                                                  // the program does without the package
        }
        catch (TargetInvocationException e) when (e.InnerException is DllNotFoundException or TypeInitializationException)
        {
            return null;                                                  // it has no native part for this system
        }
    }
}
