using System.Formats.Tar;
using System.IO.Compression;

namespace Schane.Data.Reading;

/// <summary>
/// Unpacks .tar, .tar.gz, .tgz and .zip files. Nothing is written outside the folder, links and devices are refused, and so is an
/// archive that unpacks to more than <see cref="LargestRatio"/> times its size and <see cref="Spare"/>, or to more than
/// <see cref="MostEntries"/> files.
/// </summary>
internal static class Archive
{
    public const int LargestRatio = 20;
    public const long Spare = 256L << 20;
    public const int MostEntries = 5_000_000;

    /// <summary>Unpacks an archive into a folder, replacing files of the same names; a file gets its name only
    /// once it is complete.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="folder">Target folder; made if it doesn't exist.</param>
    /// <param name="progress">Told how many bytes have been written.</param>
    /// <param name="stop">Stops between files.</param>
    /// <returns>How many files were written.</returns>
    /// <exception cref="SchaneException">The archive is damaged or breaks one of the rules.</exception>
    public static int Unpack(string path, string folder, IProgress<long>? progress = null, CancellationToken stop = default)
    {
        var root = Path.GetFullPath(folder) + Path.DirectorySeparatorChar;
        var limit = new FileInfo(path).Length * LargestRatio + Spare;
        var (written, files) = (0L, 0);
        var buffer = new byte[1 << 17];
        try
        {
            foreach (var (name, kind, content) in path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) ? Zip(path) : Tar(path))
                using (content)
                {
                    stop.ThrowIfCancellationRequested();
                    if (kind == EntryKind.Other)
                        throw Refused($"holds '{Printable.Escape(name)}', which is a link or a device and no file");
                    if (++files > MostEntries)
                        throw Refused($"holds more than {MostEntries} files");
                    var target = Target(name);
                    Directory.CreateDirectory(kind == EntryKind.Folder ? target : Path.GetDirectoryName(target)!);
                    if (kind == EntryKind.File)
                        Write(content, target);
                }
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or ArgumentException or EndOfStreamException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be unpacked: {Printable.Escape(e.Message.TrimEnd('.'))}. It is " +
                "damaged; fetch it again.", e);
        }
        return files;

        string Target(string name)
        {
            // A name from another system, an absolute one, a drive's or one that climbs.
            var full = name.Contains('\0') || name.Contains('\\') || name.Contains(':') || Path.IsPathRooted(name)
                ? "" : Path.GetFullPath(Path.Combine(root, name));
            if (!full.StartsWith(root, StringComparison.Ordinal) && full + Path.DirectorySeparatorChar != root)
                throw Refused($"holds '{Printable.Escape(name)}', which would be written outside '{Printable.Escape(folder)}'");
            for (var above = full; above.Length > root.Length; above = Path.GetDirectoryName(above)!)
                if (new FileInfo(above).LinkTarget is not null)
                    throw Refused($"holds '{Printable.Escape(name)}', which would be written through the link '{Printable.Escape(above)}'");
            return full;
        }

        void Write(Stream content, string target)
        {
            var temporary = $"{target}.{Environment.ProcessId}.tmp";
            try
            {
                using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1))
                    for (int n; (n = content.Read(buffer)) > 0;)
                    {
                        if ((written += n) > limit)
                            throw Refused($"unpacks to more than {limit} bytes, {LargestRatio} times its size and {Spare >> 20} MiB");
                        file.Write(buffer, 0, n);
                    }
                File.Move(temporary, target, overwrite: true);
            }
            catch
            {
                File.Delete(temporary);
                throw;
            }
            progress?.Report(written);
        }

        SchaneException Refused(string why) => new($"'{Printable.Escape(path)}' is refused: it {why}.");
    }

    private enum EntryKind { File, Folder, Other }

    private static IEnumerable<(string Name, EntryKind Kind, Stream Content)> Tar(string path)
    {
        using var file = File.OpenRead(path);
        using Stream plain = file.ReadByte() == 0x1F && file.Seek(0, SeekOrigin.Begin) == 0
            ? new GZipStream(file, CompressionMode.Decompress) : Rewound(file);
        using var tar = new TarReader(plain);
        while (tar.GetNextEntry() is { } entry)
            if (entry.EntryType is not (TarEntryType.GlobalExtendedAttributes or TarEntryType.ExtendedAttributes))
                yield return (entry.Name, entry.EntryType switch
                {
                    TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => EntryKind.File,
                    TarEntryType.Directory => EntryKind.Folder,
                    _ => EntryKind.Other,
                }, entry.DataStream ?? Stream.Null);
    }

    private static FileStream Rewound(FileStream file)
    {
        file.Position = 0;
        return file;
    }

    private static IEnumerable<(string Name, EntryKind Kind, Stream Content)> Zip(string path)
    {
        const int linkBits = 0xA000 << 16, kindBits = 0xF000 << 16;
        using var zip = ZipFile.OpenRead(path);
        foreach (var entry in zip.Entries)
            yield return entry.FullName.EndsWith('/') ? (entry.FullName, EntryKind.Folder, Stream.Null)
                : (entry.ExternalAttributes & kindBits) == linkBits ? (entry.FullName, EntryKind.Other, Stream.Null)
                : (entry.FullName, EntryKind.File, entry.Open());
    }
}
