using System.Buffers.Binary;
using System.IO.Compression;
using Schane.Tensors;

namespace Schane.Tests.Data;

/// <summary>Small image files written byte by byte, so that no encoder of the library stands behind an expectation.</summary>
internal static class Pictures
{
    /// <summary>A PNG of the given samples (rows from the top, big-endian, unfiltered). Colour: 0 gray, 2 RGB, 6 RGBA.</summary>
    public static byte[] Png(int width, int height, int bits, int colour, byte[] samples)
    {
        var stride = samples.Length / height;
        using var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            for (var y = 0; y < height; y++)
            {
                zip.WriteByte(0);
                zip.Write(samples, y * stride, stride);
            }
        return [0x89, .. "PNG\r\n\u001a\n"u8, .. Chunk("IHDR", Header(width, height, bits, colour)),
            .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>An RGB PNG of one colour.</summary>
    public static byte[] Flat(int width, int height, byte r, byte g, byte b) =>
        Png(width, height, 8, 2, [.. Enumerable.Repeat(new[] { r, g, b }, width * height).SelectMany(p => p)]);

    /// <summary>Each sample drawn by itself, the same ones each time.</summary>
    public static byte[] Noise(int width, int height)
    {
        var random = new SampleRandom(5);
        return Png(width, height, 8, 2, [.. Enumerable.Range(0, 3 * width * height).Select(_ => (byte)random.Below(256))]);
    }

    /// <summary>A PNG whose header states a size that its few bytes don't hold.</summary>
    public static byte[] HugePng(int width, int height) =>
        [0x89, .. "PNG\r\n\u001a\n"u8, .. Chunk("IHDR", Header(width, height, 8, 2)), .. Chunk("IDAT", [0x78, 0x01]), .. Chunk("IEND", [])];

    /// <summary>An 8 × 8 baseline JPEG of four components with an Adobe marker (transform 0, values inverted as Photoshop
    /// writes them): pure cyan.</summary>
    public static byte[] CmykJpeg()
    {
        byte[] ones = [.. Enumerable.Repeat((byte)1, 64)];
        return
        [
            0xFF, 0xD8,
            0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0,
            0xFF, 0xDB, 0, 67, 0, .. ones,
            0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0,
            // DC codes: category 11 as "0", category 10 as "10"; one AC code: end of block as "0".
            0xFF, 0xC4, 0, 21, 0x00, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 10,
            0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0,
            // DC is 8 × (value − 128). Full cyan is stored inverted as 0: −1024 (category 11, bits −1024 + 2047); no
            // ink as 255: 1016 (category 10).
            .. Bits("0" + "01111111111" + "0" + NoInk + NoInk + NoInk),
            0xFF, 0xD9,
        ];
    }

    private const string NoInk = "10" + "1111111000" + "0";

    private static byte[] Bits(string bits)
    {
        bits = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        return [.. bits.Chunk(8).Select(b => Convert.ToByte(new string(b), 2)).SelectMany(b => b == 0xFF ? [b, (byte)0] : new[] { b })];
    }

    private static byte[] Header(int width, int height, int bits, int colour)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = ((byte)bits, (byte)colour);
        return header;
    }

    public static byte[] Chunk(string type, byte[] content)
    {
        byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        var chunk = new byte[body.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        body.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(body.Length + 4), Crc(body));
        return chunk;
    }

    private static uint Crc(byte[] bytes)                                 // PNG specification, annex D
    {
        var crc = 0xFFFFFFFFu;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var k = 0; k < 8; k++)
                crc = (crc & 1) != 0 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        }
        return ~crc;
    }
}
