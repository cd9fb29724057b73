namespace Schane.Data.Listing;

/// <summary>Images that are none of the formats that are read: told by name or first bytes, so that they can be counted by kind.</summary>
internal static class UnreadKinds
{
    /// <summary>The kind of a file, null where it is no image.</summary>
    public static string? Of(string name, ReadOnlySpan<byte> head) => OfBytes(head) ?? Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".heic" or ".heif" or ".hif" => "HEIC",
        ".avif" => "AVIF",
        ".tif" or ".tiff" => "TIFF",
        ".jp2" or ".j2k" or ".j2c" or ".jpx" or ".jpf" => "JPEG 2000",
        ".jxl" => "JPEG XL",
        ".dng" or ".cr2" or ".cr3" or ".nef" or ".arw" or ".orf" or ".rw2" or ".raf" or ".pef" or ".srw" => "raw camera",
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
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'a', (byte)'v', (byte)'i', ..] => "AVIF",
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h', (byte)'e', ..] => "HEIC",
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'m', (byte)'i' or (byte)'s', (byte)'f', _, ..] => "HEIC",
        [0, 0, 0, 12, (byte)'j', (byte)'P', ..] or [0xFF, 0x4F, 0xFF, 0x51, ..] => "JPEG 2000",
        [0xFF, 0x0A, ..] or [0, 0, 0, 12, (byte)'J', (byte)'X', (byte)'L', ..] => "JPEG XL",
        [(byte)'8', (byte)'B', (byte)'P', (byte)'S', ..] => "Photoshop",
        _ => null,
    };
}
