namespace Schane.Data.Reading;

/// <summary>Walks the markers of a JPEG (ITU T.81, annex B).</summary>
internal static class JpegScan
{
    /// <summary>
    /// What is wrong with the order of markers; null where nothing is. The decoder paints a progressive file without an end marker from the
    /// scans it has, and one with a marker that there is not or that is longer than the file in gray, and reports success in both cases. A
    /// baseline file that ends early it reports by itself, and one that lacks nothing but the end marker is whole.
    /// </summary>
    public static JpegFault? Fault(ReadOnlySpan<byte> file)
    {
        var (progressive, scanned, restarts) = (false, false, false);
        var at = 2;
        while (true)
        {
            // To the next marker: FF and neither a stuffed zero, a fill byte nor a restart.
            var skip = at < file.Length ? file[at..].IndexOf((byte)0xFF) : -1;
            if (skip < 0 || at + skip + 1 >= file.Length)
                return progressive ? JpegFault.Cut : null;
            at += skip + 1;
            var marker = file[at];
            if (marker is 0x00 or 0x01 or 0xFF or (>= 0xD0 and <= 0xD7))
            {
                at += marker == 0xFF ? 0 : 1;
                continue;
            }
            if (marker == 0xD9)
                return null;
            if (marker < 0xC0 && scanned && restarts)
                continue;                                                 // passed over at the next restart
            if (marker is < 0xC0 or 0xC8 or 0xD8 or 0xDE or 0xDF or (>= 0xF0 and <= 0xFD))
                return new($"marker FF {marker:X2}, which there is not, at byte {at - 1}", IsFatal: true);
            progressive |= marker is 0xC2 or 0xC6 or 0xCA or 0xCE;
            if (at + 2 >= file.Length)
                return progressive ? JpegFault.Cut : null;
            var length = file[at + 1] << 8 | file[at + 2];
            if (scanned && (length < 2 || at + 1 + length > file.Length))
                return progressive ? JpegFault.Cut
                    : new($"marker FF {marker:X2} with the impossible length {length} at byte {at - 1}", IsFatal: true);
            scanned |= marker == 0xDA;
            restarts |= marker == 0xDD && at + 4 < file.Length && (file[at + 3] | file[at + 4]) != 0;
            at += 1 + length;
        }
    }

    /// <summary>Where the height of the image stands, two bytes, in a file whose rows come in order (baseline or extended sequential,
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

/// <summary>What a decoder of JPEG stumbles over.</summary>
/// <param name="Text">What it is, without a full stop.</param>
/// <param name="IsFatal">Whether the file can't be taken for whole; else it is decoded and may show garbage.</param>
internal sealed record JpegFault(string Text, bool IsFatal)
{
    /// <summary>The file ends before its end marker.</summary>
    public static JpegFault Cut { get; } = new("no end marker", IsFatal: true);
}
