namespace Schane.Data.Reading;

/// <summary>Walks the markers of a JPEG (ITU T.81, annex B).</summary>
internal static class JpegScan
{
    /// <summary>
    /// Whether a progressive file lacks its end marker. The decoder paints such a file from the scans it has and reports success; a
    /// baseline file that ends early it reports by itself, and one that lacks nothing but the end marker is whole.
    /// </summary>
    public static bool IsProgressiveAndCut(ReadOnlySpan<byte> file)
    {
        var progressive = false;
        var at = 2;
        while (true)
        {
            // To the next marker: FF and neither a stuffed zero, a fill byte nor a restart.
            var skip = at < file.Length ? file[at..].IndexOf((byte)0xFF) : -1;
            if (skip < 0 || at + skip + 1 >= file.Length)
                return progressive;
            at += skip + 1;
            var marker = file[at];
            if (marker is 0x00 or 0xFF or >= 0xD0 and <= 0xD7)
            {
                at += marker == 0xFF ? 0 : 1;
                continue;
            }
            if (marker == 0xD9)
                return false;
            progressive |= marker is 0xC2 or 0xC6 or 0xCA or 0xCE;
            if (at + 2 >= file.Length)
                return progressive;
            at += 1 + (file[at + 1] << 8 | file[at + 2]);
        }
    }

    /// <summary>Where the height of the picture stands, two bytes, in a file whose rows come in order (baseline or extended sequential,
    /// Huffman); −1 for others.</summary>
    public static int HeightAt(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 8 < file.Length && file[at] == 0xFF;)
        {
            if (file[at + 1] is 0xC0 or 0xC1)
                return at + 5;
            if (file[at + 1] is 0xDA or 0xD9 or 0xC2 or (>= 0xC5 and <= 0xC7) or (>= 0xC9 and <= 0xCB) or (>= 0xCD and <= 0xCF))
                return -1;
            at += file[at + 1] == 0xFF ? 1 : 2 + (file[at + 2] << 8 | file[at + 3]);
        }
        return -1;
    }
}
