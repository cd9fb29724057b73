using System.Buffers.Binary;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>
/// Finds the images in a pickled list of PNG or JPEG files without reading them: walks over Python's pickle instructions
/// (protocols 0 to 5, pickletools), does none of them, and notes where texts of bytes lie that begin like an image. Works on files
/// of any size, and nothing can be called.
/// </summary>
internal static class PickledBytes
{
    private const int LongestLine = 1 << 20;

    /// <summary>Where the images lie, in the order in which they were written.</summary>
    /// <exception cref="SchaneException">Not a pickle, or cut off.</exception>
    public static List<StoredSpan> Find(string path)
    {
        var spans = new List<StoredSpan>();
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            Span<byte> number = stackalloc byte[8];
            Span<byte> head = stackalloc byte[16];
            while (true)
            {
                var code = Byte(stream);
                switch ((char)code)
                {
                    case '.':
                        return spans;
                    case '(' or '0' or '1' or '2' or 'N' or '\x88' or '\x89' or ')' or '\x85' or '\x86' or '\x87' or 't' or ']' or 'l'
                        or '}' or 'd' or 'a' or 'e' or 's' or 'u' or 'R' or 'b' or 'o' or 'Q'
                        or '\x81' or '\x8f' or '\x90' or '\x91' or '\x92' or '\x93' or '\x94':
                        break;
                    case 'K' or 'h' or 'q' or '\x80':
                        Skip(stream, 1);
                        break;
                    case 'M':
                        Skip(stream, 2);
                        break;
                    case 'J' or 'j' or 'r':
                        Skip(stream, 4);
                        break;
                    case 'G' or '\x95':
                        Skip(stream, 8);
                        break;
                    case '\x8a':
                        Skip(stream, Byte(stream));
                        break;
                    case 'I' or 'L' or 'F' or 'S' or 'V' or 'g' or 'p' or 'P':
                        Line(stream);
                        break;
                    case 'c' or 'i':
                        Line(stream);
                        Line(stream);
                        break;
                    case 'U' or 'C' or '\x8c':
                        Note(Byte(stream), head, isText: code == 0x8c);
                        break;
                    case 'T' or 'B' or 'X' or '\x8b':
                        stream.ReadExactly(number[..4]);
                        Note(BinaryPrimitives.ReadUInt32LittleEndian(number), head, isText: code == 'X');
                        break;
                    case '\x8d' or '\x8e' or '\x96':
                        stream.ReadExactly(number);
                        Note(BinaryPrimitives.ReadInt64LittleEndian(number), head, isText: code == 0x8d);
                        break;
                    default:
                        throw Bad($"has the instruction 0x{code:x2}, which no pickle has");
                }
            }

            void Note(long length, Span<byte> head, bool isText)
            {
                var start = stream.Position;
                if (length < 0 || length > stream.Length - start || length > int.MaxValue)
                    throw Bad("is cut off");
                var first = head[..(int)Math.Min(length, head.Length)];
                stream.ReadExactly(first);
                if (isText
                    ? first.StartsWith("\u0089PNG"u8) || first.StartsWith("\u00ff\u00d8"u8) : Magic.Sniff(first) != ImageFormat.Unknown)
                    spans.Add(new(start, (int)length, null, isText));
                stream.Position = start + length;
            }
        }
        catch (EndOfStreamException)
        {
            throw Bad("is cut off");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)}", e);
        }

        SchaneException Bad(string what) =>
            new($"'{Printable.Escape(path)}' is no pickle of images: it {what}. Unpack or download it again.");
    }

    private static byte Byte(FileStream stream) => stream.ReadByte() is var b and >= 0 ? (byte)b : throw new EndOfStreamException();

    private static void Skip(FileStream stream, int count)
    {
        for (var i = 0; i < count; i++)
            Byte(stream);
    }

    private static void Line(FileStream stream)
    {
        for (var i = 0; i < LongestLine; i++)
            if (Byte(stream) == '\n')
                return;
        throw new EndOfStreamException();
    }
}
