namespace Schane.Data.Reading;

/// <summary>Walks the blocks of a GIF (GIF89a) up to its first frame.</summary>
internal static class GifScan
{
    private const int Introducer = 0x21, GraphicControl = 0xF9, Frame = 0x2C;

    /// <summary>
    /// The file with its first frame opaque, so that a decoder keeps the colours of transparent pixels; and the colour of what the frame
    /// does not cover, as PIL has it: that of the transparent index, else of index 0.
    /// </summary>
    public static (byte[] File, (byte R, byte G, byte B) Uncovered) Opaque(ReadOnlySpan<byte> file)
    {
        var copy = file.ToArray();
        int index = 0, at = 13, table = 13;
        if (file.Length > at)
            at += TableBytes(file[10]);
        while (at + 10 < file.Length && file[at] != Frame)
        {
            if (file[at] != Introducer)
                return (copy, default);
            if (file[at + 1] == GraphicControl)
            {
                index = (file[at + 3] & 1) != 0 ? file[at + 6] : 0;
                copy[at + 3] &= 0xFE;
            }
            at += 2;
            while (at < file.Length && file[at] != 0)
                at += 1 + file[at];
            at++;
        }
        if (at + 10 >= file.Length)
            return (copy, default);
        if (TableBytes(file[at + 9]) is var local and > 0)
            (table, at) = (at + 10, local);
        else
            at = TableBytes(file[10]);
        var colour = table + 3 * index;
        return 3 * index < at && colour + 3 <= file.Length ? (copy, (file[colour], file[colour + 1], file[colour + 2])) : (copy, default);
    }

    /// <summary>Bytes of the colour table that a packed field announces.</summary>
    private static int TableBytes(byte packed) => (packed & 0x80) == 0 ? 0 : 3 << ((packed & 7) + 1);
}
