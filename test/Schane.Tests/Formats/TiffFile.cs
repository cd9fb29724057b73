using System.Buffers.Binary;

namespace Schane.Tests.Formats;

/// <summary>TIFF files written entry by entry (TIFF 6.0), so that no encoder stands behind an expectation.</summary>
internal static class TiffFile
{
    /// <summary>Uncompressed pages of one size in one file.</summary>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">Samples of a pixel.</param>
    /// <param name="bits">Bits of a sample: 8, or 16 with the lower byte first.</param>
    /// <param name="photometric">1 black is 0, 2 RGB, 5 inks.</param>
    /// <param name="orientation">Tag 274.</param>
    /// <param name="pages">The samples of each page; shorter ones than stated are written as they are.</param>
    public static byte[] Of(int width, int height, int channels, int bits, int photometric, int orientation, params byte[][] pages)
    {
        using var file = new MemoryStream();
        file.Write([(byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0]);
        foreach (var (samples, page) in pages.Select((p, i) => (p, i)))
        {
            (int Tag, int Type, int Count, int Value)[] entries =
            [
                (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 0),
                (274, 3, 1, orientation), (277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, samples.Length),
                .. channels is 2 or 4 && photometric < 5 ? [(338, 3, 1, 2)] : ((int, int, int, int)[])[],
            ];
            var start = (int)file.Length;
            var (bitsAt, samplesAt) = (start + 2 + 12 * entries.Length + 4, start + 2 + 12 * entries.Length + 4 + 2 * channels);
            Write16(file, entries.Length);
            foreach (var (tag, type, count, value) in entries)
            {
                Write16(file, tag);
                Write16(file, type);
                Write32(file, tag == 258 ? channels : count);
                Write32(file, tag == 273 ? samplesAt : tag == 258 && channels > 2 ? bitsAt : tag == 258 && channels == 2
                    ? bits << 16 | bits : value);
            }
            Write32(file, page + 1 < pages.Length ? samplesAt + samples.Length : 0);
            for (var c = 0; c < channels; c++)
                Write16(file, bits);
            file.Write(samples);
        }
        return file.ToArray();
    }

    private static void Write16(Stream to, int value) => to.Write([(byte)value, (byte)(value >> 8)]);

    private static void Write32(Stream to, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        to.Write(bytes);
    }
}
