using System.Runtime.InteropServices;

namespace Schane.Data.Reading;

/// <summary>
/// Decodes colour JPEG files through libturbojpeg (libjpeg-turbo, API version 2) where the system has it: the decoder inside SkiaSharp is
/// the same one without its vector code. The pixels are the same; docs/performance.md has the speed.
/// </summary>
/// <remarks>
/// Whatever the library so much as warns of is left to the other decoder, which knows how to say what is wrong. One warning is expected: of
/// a picture of which only the upper rows are wanted it is told a smaller height, and it finds the data of the other rows to be too much.
/// </remarks>
internal static unsafe class TurboJpeg
{
    private const int Rgb = 0, YCbCr = 1, AccurateTransform = 4096, Warning = 0;

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
    /// <param name="file">The file.</param>
    /// <param name="width">What its header says, as is <paramref name="height"/>.</param>
    /// <param name="height">Rows.</param>
    /// <param name="wanted">How many rows are needed from the top, at most <paramref name="height"/>.</param>
    /// <param name="pixels">Width × height × 3 bytes; the wanted rows are written, and perhaps more.</param>
    /// <returns>False where the library is not there, the file is of other colours, or something is wrong with it.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> file, int width, int height, int wanted, Span<byte> pixels)
    {
        if (!IsFound || pixels.Length < (long)width * height * 3)
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
            return Decode(decompressor, shortened.AsSpan(0, file.Length), width, rows, pixels) || ExpectedWarning(decompressor);
        }
        return Decode(decompressor, file, width, height, pixels);
    }

    private static bool Decode(Decompressor decompressor, ReadOnlySpan<byte> file, int width, int height, Span<byte> pixels)
    {
        fixed (byte* from = file, to = pixels)
        {
            int w, h, subsampling, colours;
            var (handle, length) = (decompressor.DangerousGetHandle(), new CULong((nuint)file.Length));
            return readHeader(handle, from, length, &w, &h, &subsampling, &colours) == 0 && (w, h, colours) == (width, height, YCbCr)
                && decompress(handle, from, length, to, width, width * 3, height, Rgb, AccurateTransform) == 0;
        }
    }

    /// <summary>Whether all that was wrong is data left over after the last row.</summary>
    private static bool ExpectedWarning(Decompressor decompressor) =>
        errorCode(decompressor.DangerousGetHandle()) == Warning
        && Marshal.PtrToStringAnsi((nint)errorText(decompressor.DangerousGetHandle())) is { } text
        && text.Contains("extraneous bytes before marker", StringComparison.Ordinal);

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

    /// <summary>What a thread decodes with, from picture to picture.</summary>
    private sealed class Decompressor : SafeHandle
    {
        public Decompressor() : base(0, ownsHandle: true) => SetHandle(init());

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => destroy(handle) == 0;
    }
}
