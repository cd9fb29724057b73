using System.Buffers.Binary;
using System.IO.Compression;

namespace Schane.Data.Reading;

/// <summary>The eight EXIF orientations (EXIF 2.32, tag 0x0112): how the stored rows and columns turn into the upright image.</summary>
internal static class Orientation
{
    private const int Tag = 0x0112, MostText = 1 << 20;

    /// <summary>
    /// What a JPEG, PNG or WebP file says of itself, as PIL's <c>exif_transpose</c> reads it: its EXIF, and where that does not tell, its
    /// XMP; 1 where nothing is said or the file is of another format.
    /// </summary>
    public static int Of(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> exif = default, xmp = default;
        switch (Magic.Sniff(file))
        {
            case ImageFormat.Jpeg: OfJpeg(file, ref exif, ref xmp); break;
            case ImageFormat.Png: OfPng(file, ref exif, ref xmp); break;
            case ImageFormat.WebP: OfWebP(file, ref exif, ref xmp); break;
        }
        return (InExif(exif) ?? InXmp(xmp)) is >= 1 and <= 8 and var found ? found : 1;
    }

    private static void OfJpeg(ReadOnlySpan<byte> file, ref ReadOnlySpan<byte> exif, ref ReadOnlySpan<byte> xmp)
    {
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF && file[at + 1] is not (0xDA or 0xD9);)
        {
            if (file[at + 1] is 0xFF or 0x01)
            {
                at += file[at + 1] == 0xFF ? 1 : 2;
                continue;
            }
            var end = at + 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (end < at + 4 || end > file.Length)
                return;
            var content = file[(at + 4)..end];
            if (file[at + 1] == 0xE1 && exif.IsEmpty && content.StartsWith("Exif\0\0"u8))
                exif = content;
            else if (file[at + 1] == 0xE1 && xmp.IsEmpty && content.StartsWith("http://ns.adobe.com/xap/1.0/\0"u8))
                xmp = content;
            at = end;
        }
    }

    private static void OfPng(ReadOnlySpan<byte> file, ref ReadOnlySpan<byte> exif, ref ReadOnlySpan<byte> xmp)
    {
        ReadOnlySpan<byte> profile = default;
        for (var at = 8; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12)
                break;
            var type = file.Slice(at + 4, 4);
            var content = file.Slice(at + 8, (int)length);
            if (type.SequenceEqual("eXIf"u8))
                exif = content;
            else if (type.SequenceEqual("iTXt"u8) && content.StartsWith("XML:com.adobe.xmp\0\0"u8))
                xmp = content;
            else if (type.SequenceEqual("tEXt"u8) && content.StartsWith("Raw profile type exif\0"u8))
                profile = content[22..];
            else if (type.SequenceEqual("zTXt"u8) && content.StartsWith("Raw profile type exif\0\0"u8))
                profile = Inflated(content[23..]);
            at += 12 + (int)length;
        }
        if (exif.IsEmpty)
            exif = FromHex(profile);
    }

    private static void OfWebP(ReadOnlySpan<byte> file, ref ReadOnlySpan<byte> exif, ref ReadOnlySpan<byte> xmp)
    {
        if (file.Length < 30 || !file[12..].StartsWith("VP8X"u8))
            return;
        var flags = file[20];
        for (var at = 12; at + 8 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            if (length > file.Length - at - 8)
                return;
            var type = file.Slice(at, 4);
            var content = file.Slice(at + 8, (int)length);
            if ((flags & 8) != 0 && exif.IsEmpty && type.SequenceEqual("EXIF"u8))
                exif = content;
            else if ((flags & 4) != 0 && xmp.IsEmpty && type.SequenceEqual("XMP "u8))
                xmp = content;
            at += 8 + (int)length + (int)(length & 1);
        }
    }

    /// <summary>The tag of the first directory of a TIFF structure, behind the mark that only JPEG asks for or without it.</summary>
    private static int? InExif(ReadOnlySpan<byte> exif)
    {
        while (exif.StartsWith("Exif\0\0"u8))
            exif = exif[6..];
        var little = exif.StartsWith("II*\0"u8);
        if (exif.Length < 8 || (!little && !exif.StartsWith("MM\0*"u8)))
            return null;
        uint Number(ReadOnlySpan<byte> bytes, int width) => (width, little) switch
        {
            (2, true) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            (2, false) => BinaryPrimitives.ReadUInt16BigEndian(bytes),
            (_, true) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        };
        var directory = Number(exif[4..], 4);
        if (directory > exif.Length - 2)
            return null;
        exif = exif[(int)directory..];
        int? found = null;
        for (int left = (int)Number(exif, 2), at = 2; left > 0 && at + 12 <= exif.Length; left--, at += 12)
            if (Number(exif[at..], 2) == Tag && Number(exif[(at + 4)..], 4) == 1)
                found = Number(exif[(at + 2)..], 2) switch
                {
                    3 or 8 => (int)Number(exif[(at + 8)..], 2),           // a short
                    4 or 9 => (int)Number(exif[(at + 8)..], 4),           // a long
                    _ => found,
                };
        return found;
    }

    private static int? InXmp(ReadOnlySpan<byte> xmp)
    {
        for (int at; (at = xmp.IndexOf("tiff:Orientation"u8)) >= 0;)
        {
            xmp = xmp[(at + 16)..];
            var value = xmp.StartsWith("=\""u8) ? xmp[2..] : xmp.StartsWith(">"u8) ? xmp[1..] : default;
            if (value is [>= (byte)'0' and <= (byte)'9', ..])
                return value[0] - '0';
        }
        return null;
    }

    private static byte[] Inflated(ReadOnlySpan<byte> packed)
    {
        try
        {
            using var stream = new ZLibStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
            var text = new byte[MostText];
            return text[..stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }

    /// <summary>The bytes of a profile as ImageMagick writes it: an empty line, its name, its length, then hexadecimal digits.</summary>
    private static byte[] FromHex(ReadOnlySpan<byte> profile)
    {
        for (var line = 0; line < 3; line++)
            profile = profile[(profile.IndexOf((byte)'\n') + 1)..];
        var digits = new string([.. profile.ToArray().Select(b => (char)b).Where(char.IsAsciiHexDigit)]);
        return Convert.FromHexString(digits.AsSpan(0, digits.Length / 2 * 2));
    }

    /// <summary>Whether width and height change places: 5 to 8.</summary>
    public static bool Swaps(int orientation) => orientation >= 5;

    /// <summary>The upright image; the image itself for orientation 1.</summary>
    public static Image8 Apply(Image8 image, int orientation)
    {
        if (orientation is < 2 or > 8)
            return image;
        var (w, h) = (image.Width, image.Height);
        var (outW, outH) = Swaps(orientation) ? (h, w) : (w, h);
        // Where pixel (x, y) of the upright image stands in the file: start + x · stepX + y · stepY.
        var (start, stepX, stepY) = orientation switch
        {
            2 => (w - 1, -1, w),                                          // mirrored left to right
            3 => (h * w - 1, -1, -w),                                     // turned by 180°
            4 => ((h - 1) * w, 1, -w),                                    // mirrored top to bottom
            5 => (0, w, 1),                                               // transposed
            6 => ((h - 1) * w, -w, 1),                                    // to be turned 90° clockwise
            7 => (h * w - 1, -w, -1),                                     // transposed over the other diagonal
            _ => (w - 1, w, -1),                                          // to be turned 90° counter-clockwise
        };
        var c = image.Channels;
        var pixels = new byte[image.Pixels.Length];
        for (int y = 0, to = 0; y < outH; y++)
        {
            var from = start + y * stepY;
            for (var x = 0; x < outW; x++, from += stepX)
                for (var k = 0; k < c; k++)
                    pixels[to++] = image.Pixels[from * c + k];
        }
        return new(outW, outH, c, pixels);
    }
}
