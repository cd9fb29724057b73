namespace Schane.Data.Listing;

/// <summary>Images that are none of the formats that are read: told by name or first bytes, so that they can be counted by kind.</summary>
internal static class UnreadKinds
{
    public const string Heic = "HEIC", Avif = "AVIF", Tiff = "TIFF", Jpeg2000 = "JPEG 2000", JpegXl = "JPEG XL";

    private const string Raw = "raw camera";

    /// <summary>The kind of a file, null where it is no image.</summary>
    public static string? Of(string name, ReadOnlySpan<byte> head) => ByContent(name, head) ?? ByName(name);

    /// <summary>The kind that the first bytes tell; the name tells raw camera files, which begin as TIFF.</summary>
    public static string? ByContent(string name, ReadOnlySpan<byte> head) =>
        OfBytes(head) is var kind && kind == Tiff && ByName(name) == Raw ? Raw : kind;

    private static string? ByName(string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".heic" or ".heif" or ".hif" => Heic,
        ".avif" => Avif,
        ".tif" or ".tiff" => Tiff,
        ".jp2" or ".j2k" or ".j2c" or ".jpx" or ".jpf" => Jpeg2000,
        ".jxl" => JpegXl,
        ".dng" or ".cr2" or ".cr3" or ".nef" or ".arw" or ".orf" or ".rw2" or ".raf" or ".pef" or ".srw" => Raw,
        ".psd" or ".psb" => "Photoshop",
        ".svg" or ".svgz" => "SVG",
        ".ppm" or ".pgm" or ".pbm" or ".pnm" or ".pam" => "PNM",
        ".tga" => "TGA",
        ".ico" or ".cur" => "icon",
        ".exr" => "OpenEXR",
        ".hdr" => "Radiance HDR",
        ".dcm" => "DICOM",
        ".pcx" => "PCX",
        ".qoi" => "QOI",
        _ => null,
    };

    private static string? OfBytes(ReadOnlySpan<byte> head) => head switch
    {
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'a', (byte)'v', (byte)'i', ..] => Avif,
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h', (byte)'e', ..] => Heic,
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'m', (byte)'i' or (byte)'s', (byte)'f', _, ..] => Heic,
        [0, 0, 0, 12, (byte)'j', (byte)'P', ..] or [0xFF, 0x4F, 0xFF, 0x51, ..] => Jpeg2000,
        [0xFF, 0x0A, ..] or [0, 0, 0, 12, (byte)'J', (byte)'X', (byte)'L', ..] => JpegXl,
        [(byte)'I', (byte)'I', 42, 0, _, _, _, _, (byte)'C', (byte)'R', ..] => Raw,
        [(byte)'I', (byte)'I', 42 or 43, 0, ..] or [(byte)'M', (byte)'M', 0, 42 or 43, ..] => Tiff,
        [(byte)'8', (byte)'B', (byte)'P', (byte)'S', ..] => "Photoshop",
        _ => null,
    };
}
