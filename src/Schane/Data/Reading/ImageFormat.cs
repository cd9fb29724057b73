using System.Text;

namespace Schane.Data.Reading;

/// <summary>What a file is by its first bytes, whatever its name.</summary>
internal enum ImageFormat
{
    Unknown, Jpeg, Png, Gif, WebP, Bmp,
}

/// <summary>Tells formats by their first bytes, and says in words what a file is that is no image.</summary>
internal static class Magic
{
    public static ImageFormat Sniff(ReadOnlySpan<byte> head) => head switch
    {
        [0xFF, 0xD8, 0xFF, ..] => ImageFormat.Jpeg,
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => ImageFormat.Png,
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'7' or (byte)'9', (byte)'a', ..] => ImageFormat.Gif,
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => ImageFormat.WebP,
        [(byte)'B', (byte)'M', _, _, _, _, 0, 0, 0, 0, ..] => ImageFormat.Bmp,
        _ => ImageFormat.Unknown,
    };

    /// <summary>The format that a file name claims, <see cref="ImageFormat.Unknown"/> for other extensions.</summary>
    public static ImageFormat Claimed(string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".jpg" or ".jpeg" or ".jpe" or ".jfif" => ImageFormat.Jpeg,
        ".png" => ImageFormat.Png,
        ".gif" => ImageFormat.Gif,
        ".webp" => ImageFormat.WebP,
        ".bmp" or ".dib" => ImageFormat.Bmp,
        _ => ImageFormat.Unknown,
    };

    /// <summary>What the bytes are, to follow "it is" or "it"; for files that can't be decoded.</summary>
    public static string Describe(ReadOnlySpan<byte> head)
    {
        var start = head[..Math.Min(head.Length, 16)];
        string? kind = head switch
        {
            [] => "it is empty",
            _ when head.StartsWith("version https://git-lfs"u8) => "it is a Git LFS pointer; run `git lfs pull`",
            [(byte)'%', (byte)'P', (byte)'D', (byte)'F', ..] => "it is a PDF",
            [(byte)'P', (byte)'K', 3, 4, ..] => "it is a ZIP archive",
            [0x1F, 0x8B, ..] => "it is gzip data",
            [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] =>
                "it is a TIFF, which is not read here; save it as PNG or JPEG",
            [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', ..] =>
                "it is HEIC, AVIF or video, which is not read here; save it as PNG or JPEG",
            _ when head.TrimStart(" \t\r\n\uFEFF"u8) is [(byte)'<', ..] => "it is HTML, XML or SVG",
            _ when start.IndexOfAnyExceptInRange((byte)0, (byte)0) < 0 => "its first bytes are all zero",
            _ => null,
        };
        if (kind is not null)
            return kind;
        return start.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0
            ? $"it begins with the text \"{Encoding.ASCII.GetString(start)}\""
            : $"it begins with the bytes {Convert.ToHexString(start[..Math.Min(8, start.Length)])}";
    }
}
