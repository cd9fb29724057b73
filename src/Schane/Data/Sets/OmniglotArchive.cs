using System.IO.Compression;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>The published Omniglot archives (github.com/brendenlake/omniglot), read in place. Pixels: ink 255 on paper 0,
/// whatever the file says.</summary>
internal static class OmniglotArchive
{
    public const int Side = 105;
    private const int MaxEntryBytes = 1 << 20;
    private const string HowToGet = "Download it from github.com/brendenlake/omniglot, folder python";

    public static ZipArchive Open(string file, string? dataRoot)
    {
        var path = DataRoot.Find(dataRoot, "Omniglot", HowToGet, Path.Combine("omniglot", file), file);
        try
        {
            return ZipFile.OpenRead(path);
        }
        catch (InvalidDataException e)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' is not a ZIP archive that can be read. {HowToGet}.", e);
        }
    }

    public static byte[] Bytes(ZipArchiveEntry entry)
    {
        if (entry.Length > MaxEntryBytes)
            throw new SchaneException($"'{Printable.Escape(entry.FullName)}' would unpack to {entry.Length} bytes; a file of Omniglot " +
                $"has fewer than {MaxEntryBytes}.");
        try
        {
            using var stream = entry.Open();
            var bytes = new byte[entry.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new SchaneException($"'{Printable.Escape(entry.FullName)}' can't be unpacked; the archive is damaged. {HowToGet}.", e);
        }
    }

    /// <summary>105 × 105 gray, ink 255, paper 0. The files are black ink on white.</summary>
    public static byte[] Decode(ZipArchiveEntry entry)
    {
        var image = PixelRows.WithChannels(ImageDecoder.Decode(Bytes(entry), entry.FullName), 1);
        if (image.Width != Side || image.Height != Side)
            throw new SchaneException(
                $"'{Printable.Escape(entry.FullName)}' is {image.Width} × {image.Height}; images of Omniglot are {Side} × {Side}.");
        for (var i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(255 - image.Pixels[i]);
        return image.Pixels;
    }
}
