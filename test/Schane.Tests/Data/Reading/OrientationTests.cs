using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Schane.Data.Reading;
using SkiaSharp;

namespace Schane.Tests.Data.Reading;

/// <summary>The same image, 48 × 32 with one corner red, turned by what each container says of it.</summary>
public class OrientationTests
{
    private const int Wide = 48, High = 32;
    private static readonly byte[] png = Encoded(SKEncodedImageFormat.Png), jpeg = Encoded(SKEncodedImageFormat.Jpeg),
        webP = Encoded(SKEncodedImageFormat.Webp);

    [Theory]
    [InlineData("jpeg")]
    [InlineData("png")]
    [InlineData("webp")]
    [InlineData("png, after the pixels")]
    [InlineData("png, profile in hexadecimal")]
    [InlineData("png, the same packed")]
    public void Exif_turns_png_webp_and_jpeg_alike(string container)
    {
        for (var orientation = 1; orientation <= 8; orientation++)
            foreach (var (marked, little) in new[] { (false, false), (true, false), (false, true), (true, true) })
                AssertTurned(orientation, With(container, orientation, marked, little));
    }

    private static byte[] With(string container, int orientation, bool marked, bool little)
    {
        byte[] exif = [.. marked || container is "jpeg" ? "Exif\0\0"u8 : [], .. Exif(orientation, little)];
        var profile = Encoding.ASCII.GetBytes($"\nexif\n{exif.Length,8}\n{Convert.ToHexString(exif).ToLowerInvariant()}\n");
        return container switch
        {
            "jpeg" => JpegWith(exif),
            "png" => PngWith("eXIf", exif),
            "webp" => WebPWith(8, "EXIF", exif),
            "png, after the pixels" => [.. png[..^12], .. Pictures.Chunk("eXIf", exif), .. png[^12..]],
            "png, profile in hexadecimal" => PngWith("tEXt", [.. "Raw profile type exif\0"u8, .. profile]),
            _ => PngWith("zTXt", [.. "Raw profile type exif\0\0"u8, .. Packed(profile)]),
        };
    }

    [Theory]
    [InlineData("<x tiff:Orientation=\"6\"/>", 6)]
    [InlineData("<tiff:Orientation>8</tiff:Orientation>", 8)]
    [InlineData("<x tiff:Orientation=''/>", 1)]
    public void Xmp_turns_where_exif_does_not_tell(string xmp, int orientation)
    {
        var text = Encoding.UTF8.GetBytes(xmp);
        AssertTurned(orientation, JpegWith([.. "http://ns.adobe.com/xap/1.0/\0"u8, .. text]));
        AssertTurned(orientation, PngWith("iTXt", [.. "XML:com.adobe.xmp\0\0\0\0\0"u8, .. text]));
        AssertTurned(orientation, WebPWith(4, "XMP ", text));
        AssertTurned(3, JpegWith([.. "http://ns.adobe.com/xap/1.0/\0"u8, .. text], [.. "Exif\0\0"u8, .. Exif(3, little: true)]));
    }

    [Fact]
    public void What_is_no_orientation_turns_nothing()
    {
        AssertTurned(1, PngWith("eXIf", Exif(9, little: false)));
        AssertTurned(1, PngWith("eXIf", Exif(6, little: false)[..12]));
        AssertTurned(1, PngWith("eXIf", "no directory"u8.ToArray()));
        AssertTurned(1, PngWith("zTXt", [.. "Raw profile type exif\0\0"u8, 1, 2, 3]));
        AssertTurned(1, WebPWith(0, "EXIF", Exif(6, little: false)));       // its header says that it has none
    }

    private static void AssertTurned(int orientation, byte[] file)
    {
        var stored = ImageDecoder.Decode(file, "a", orient: false);
        var upright = ImageDecoder.Decode(file, "a");
        Assert.Equal((Wide, High), (stored.Width, stored.Height));
        Assert.Equal(orientation >= 5 ? (High, Wide) : (Wide, High), (upright.Width, upright.Height));
        Assert.Equal(ImageDecoder.Measure(file, "a"), (upright.Width, upright.Height));
        // Where the red corner, top left as stored, must lie (EXIF 2.32, 4.6.4).
        var (right, bottom) = orientation switch
        { 1 or 5 => (false, false), 2 or 6 => (true, false), 3 or 7 => (true, true), _ => (false, true) };
        foreach (var (x, y) in new[] { (0, 0), (1, 0), (0, 1), (1, 1) })
        {
            var at = ((y * (upright.Height - 1) * upright.Width) + (x * (upright.Width - 1))) * 3;
            Assert.Equal((x == 1) == right && (y == 1) == bottom, upright.Pixels[at] > 128);
        }
    }

    private static byte[] Encoded(SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(Wide, High, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(SKColors.Blue);
        for (var y = 0; y < High / 2; y++)
            for (var x = 0; x < Wide / 2; x++)
                bitmap.SetPixel(x, y, SKColors.Red);
        using var image = SKImage.FromBitmap(bitmap);
        return image.Encode(format, 100).ToArray();
    }

    private static byte[] Exif(int orientation, bool little)
    {
        var bytes = new byte[26];
        (little ? "II"u8 : "MM"u8).CopyTo(bytes);
        Put(2, 42, 2);
        Put(4, 8, 4);                                                     // the directory
        Put(8, 1, 2);                                                     // its entries
        Put(10, 0x0112, 2);
        Put(12, 3, 2);
        Put(14, 1, 4);
        Put(18, orientation, 2);
        return bytes;

        void Put(int at, int value, int width)
        {
            for (var i = 0; i < width; i++)
                bytes[at + (little ? i : width - 1 - i)] = (byte)(value >> (8 * i));
        }
    }

    private static byte[] JpegWith(params byte[][] segments) => [.. jpeg[..2], .. segments.SelectMany(content =>
        (byte[])[0xFF, 0xE1, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content]), .. jpeg[2..]];

    private static byte[] PngWith(string type, byte[] content) => [.. png[..33], .. Pictures.Chunk(type, content), .. png[33..]];

    private static byte[] WebPWith(byte flags, string type, byte[] content)
    {
        byte[] body = [.. "WEBP"u8, .. Chunk("VP8X", [flags, 0, 0, 0, Wide - 1, 0, 0, High - 1, 0, 0]), .. webP[12..],
            .. Chunk(type, content)];
        return [.. Chunk("RIFF", body)];
    }

    private static byte[] Chunk(string type, byte[] content)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, content.Length);
        return [.. Encoding.ASCII.GetBytes(type), .. length, .. content, .. new byte[content.Length % 2]];
    }

    private static byte[] Packed(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(content);
        return packed.ToArray();
    }
}
