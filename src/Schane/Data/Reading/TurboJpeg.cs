using System.Globalization;
using System.Runtime.InteropServices;

namespace Schane.Data.Reading;

/// <summary>
/// Decodes JPEG files through libturbojpeg (libjpeg-turbo, API version 2) where the system has it: the decoder inside SkiaSharp is
/// the same one without its vector code. The pixels are the same; docs/performance.md has the speed.
/// </summary>
/// <remarks>
/// Whatever the library so much as warns of is left to the other decoder, which may know better what is wrong, but also paints damage over;
/// so what this one saw is given too. One warning is expected: of an image of which only the upper rows are wanted it is told a smaller
/// height, and it finds the data of the other rows to be too much.
/// </remarks>
internal static unsafe class TurboJpeg
{
    private const int YCbCr = 1, GrayColours = 2, Cmyk = 3;              // colours of a file, as are RGB 0 and YCCK 4
    private const int Rgb = 0, Gray = 6, CmykSamples = 11;               // formats of pixels
    private const int AccurateTransform = 4096, Warning = 0;
    // The library gives a file up with the error code of a warning where it has warned before; its warnings begin so (jerror.h).
    private static readonly string[] harmless = ["Premature end of JPEG file", "Unknown Adobe", "Warning: ", "Invalid SOS"];
    private static readonly string[] warnings = [Corrupt, "Inconsistent progression", .. harmless];
    private const string Corrupt = "Corrupt JPEG data: ", LeftOver = " extraneous bytes before marker 0xd9";

    // Rows of a block of samples at the coarsest customary subsampling; below the last wanted row one more block is decoded, for
    // colours are smoothed over its border.
    private const int BlockRows = 16;

    private static readonly nint library = Load();
    private static readonly delegate* unmanaged[Cdecl]<nint> init = (delegate* unmanaged[Cdecl]<nint>)Function("tjInitDecompress");
    private static readonly delegate* unmanaged[Cdecl]<nint, int> destroy = (delegate* unmanaged[Cdecl]<nint, int>)Function("tjDestroy");
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, CULong, int*, int*, int*, int*, int> readHeader =
        (delegate* unmanaged[Cdecl]<nint, byte*, CULong, int*, int*, int*, int*, int>)Function("tjDecompressHeader3");
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, CULong, byte*, int, int, int, int, int, int> decompress =
        (delegate* unmanaged[Cdecl]<nint, byte*, CULong, byte*, int, int, int, int, int, int>)Function("tjDecompress2");

    private static readonly delegate* unmanaged[Cdecl]<nint, int> errorCode =
        (delegate* unmanaged[Cdecl]<nint, int>)Function("tjGetErrorCode");
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*> errorText =
        (delegate* unmanaged[Cdecl]<nint, byte*>)Function("tjGetErrorStr2");

    [ThreadStatic] private static Decompressor? decompressor;
    [ThreadStatic] private static byte[]? shortened;

    /// <summary>Whether the library was found.</summary>
    public static bool IsFound { get; } = init != null && destroy != null && readHeader != null && decompress != null
        && errorCode != null && errorText != null;

    /// <summary>Decodes a file as RGB, at least its upper rows.</summary>
    /// <inheritdoc cref="TryDecode(ReadOnlySpan{byte}, int, int, int, int, Span{byte}, out JpegFault?)"/>
    public static bool TryDecode(ReadOnlySpan<byte> file, int width, int height, int wanted, Span<byte> pixels) =>
        TryDecode(file, width, height, wanted, 3, pixels, out _);

    /// <summary>Decodes a file, at least its upper rows.</summary>
    /// <param name="file">The file.</param>
    /// <param name="width">What its header says, as is <paramref name="height"/>.</param>
    /// <param name="height">Rows.</param>
    /// <param name="wanted">How many rows are needed from the top, at most <paramref name="height"/>.</param>
    /// <param name="channels">1 for gray, 3 for RGB.</param>
    /// <param name="pixels">Width × height × channels bytes; the wanted rows are written, and perhaps more.</param>
    /// <param name="fault">What the library found wrong with the file, of whatever colours; null where it found nothing.</param>
    /// <returns>False where the library is not there, the file is of other colours, or something is wrong with it.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> file, int width, int height, int wanted, int channels, Span<byte> pixels,
        out JpegFault? fault)
    {
        fault = null;
        if (!IsFound || pixels.Length < (long)width * height * channels)
            return false;
        decompressor ??= new();
        if (decompressor.IsInvalid)
            return false;
        var rows = (wanted + BlockRows - 1) / BlockRows * BlockRows + BlockRows;
        if (rows < height && JpegScan.HeightAt(file) is var at and > 0)
        {
            if (shortened is null || shortened.Length < file.Length)
                shortened = GC.AllocateUninitializedArray<byte>(file.Length + file.Length / 4);
            file.CopyTo(shortened);
            (shortened[at], shortened[at + 1]) = ((byte)(rows >> 8), (byte)rows);
            return Decode(decompressor, shortened.AsSpan(0, file.Length), width, rows, channels, pixels, ref fault)
                || (fault is { IsFatal: false } && fault.Text.Contains("extraneous bytes before marker", StringComparison.Ordinal));
        }
        if (Decode(decompressor, file, width, height, channels, pixels, ref fault))
            return true;
        if (fault is not null && IsHarmless(fault, file))
            fault = null;
        return false;
    }

    private static bool Decode(Decompressor decompressor, ReadOnlySpan<byte> file, int width, int height, int channels, Span<byte> pixels,
        ref JpegFault? fault)
    {
        fixed (byte* from = file)
        {
            int w, h, subsampling, colours;
            var (handle, length) = (decompressor.DangerousGetHandle(), new CULong((nuint)file.Length));
            if (readHeader(handle, from, length, &w, &h, &subsampling, &colours) != 0 || (w, h) != (width, height))
                return false;
            var (format, samples) = colours switch { >= Cmyk => (CmykSamples, 4), GrayColours => (Gray, 1), _ => (Rgb, 3) };
            var isWanted = (colours, channels) is (YCbCr, 3) or (GrayColours, 1);
            fixed (byte* to = isWanted ? pixels : new byte[checked(width * height * samples)])
                if (decompress(handle, from, length, to, width, width * samples, height, format, AccurateTransform) == 0)
                    return isWanted;
            var text = Marshal.PtrToStringAnsi((nint)errorText(handle)) ?? "";
            fault = new(text, errorCode(handle) != Warning || !Begins(text, warnings));
            return false;
        }
    }

    /// <summary>Whether a warning is of a missing end marker alone, of a program's unusual mark, or of padding before the end.</summary>
    private static bool IsHarmless(JpegFault fault, ReadOnlySpan<byte> file)
    {
        if (fault.IsFatal || Begins(fault.Text, harmless))
            return !fault.IsFatal;
        if (!fault.Text.StartsWith(Corrupt, StringComparison.Ordinal) || !fault.Text.EndsWith(LeftOver, StringComparison.Ordinal)
            || !int.TryParse(fault.Text.AsSpan(Corrupt.Length..^LeftOver.Length), CultureInfo.InvariantCulture, out var count))
            return false;
        var end = file.LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]);
        return end >= count && !file[(end - count)..end].ContainsAnyExcept(file[end - 1]);
    }

    private static bool Begins(string text, string[] words) => words.Any(w => text.StartsWith(w, StringComparison.Ordinal));

    private static nint Load()
    {
        string[] names = OperatingSystem.IsWindows()
            ? ["turbojpeg.dll"] : OperatingSystem.IsMacOS() ? ["libturbojpeg.0.dylib", "libturbojpeg.dylib"] : ["libturbojpeg.so.0"];
        foreach (var name in names)
            if (NativeLibrary.TryLoad(name, out var found))
                return found;
        return 0;
    }

    private static nint Function(string name) => library != 0 && NativeLibrary.TryGetExport(library, name, out var address) ? address : 0;

    /// <summary>What a thread decodes with, from image to image.</summary>
    private sealed class Decompressor : SafeHandle
    {
        public Decompressor() : base(0, ownsHandle: true) => SetHandle(init());

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => destroy(handle) == 0;
    }
}
