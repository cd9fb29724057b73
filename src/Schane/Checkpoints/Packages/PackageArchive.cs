using System.IO.Compression;
using ICSharpCode.SharpZipLib.Checksum;
using NuGet.Packaging;
using NuGet.Packaging.Core;
using NuGet.Versioning;

namespace Schane.Checkpoints.Packages;

/// <summary>A NuGet package as a file, of which one member is taken. Members that lead out of it or unpack to far more than
/// they hold are refused.</summary>
internal sealed class PackageArchive : IDisposable
{
    private const long MostBytes = int.MaxValue;
    private const int MostMembers = 100_000, BufferBytes = 1 << 17;

    /// <summary>Weights are noise to a packer: what shrinks further than this is not weights.</summary>
    private const long MostRatio = 20;

    private static readonly string[] Kinds = [".safetensors", ".onnx", ".pth", ".npz"];

    private readonly ZipArchive zip;
    private readonly string shown;

    /// <param name="path">The <c>.nupkg</c>.</param>
    /// <param name="id">Package it must be.</param>
    /// <param name="version">Version it must be.</param>
    /// <param name="shown">What to call it in errors.</param>
    /// <exception cref="CheckpointException">It is no package, another one, or holds a member that it must not.</exception>
    public PackageArchive(string path, string id, NuGetVersion version, string shown)
    {
        this.shown = shown;
        try
        {
            using var package = new PackageArchiveReader(path);
            var identity = package.GetIdentity();
            if (!identity.Id.Equals(id, StringComparison.OrdinalIgnoreCase) || identity.Version != version)
                throw new CheckpointException(shown, "is another package: it says of itself that it is " +
                    $"'{Printable.Short(identity.Id)}' {identity.Version.ToNormalizedString()}.");
            zip = ZipFile.OpenRead(path);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or PackagingException or System.Xml.XmlException)
        {
            throw new CheckpointException(shown, "is truncated, damaged or not a package: " +
                $"{Printable.Short(e.Message.TrimEnd('.'))}; delete it and restore it again.", e);
        }
        try
        {
            CheckMembers();
        }
        catch
        {
            zip.Dispose();
            throw;
        }
    }

    /// <summary>The member of that name, or the only one that may hold weights.</summary>
    /// <exception cref="CheckpointException">There is none, or several and none was named.</exception>
    public string Choose(string? file)
    {
        if (file is not null)
            return zip.Entries.FirstOrDefault(e => e.FullName == file)?.FullName
                ?? throw new CheckpointException(shown, $"has no file '{Printable.Short(file)}'{Files()}");
        var likely = Likely();
        return likely.Count == 1 ? likely[0] : throw new CheckpointException(shown,
            likely.Count == 0 ? "has no file of weights." : $"has {likely.Count} files of weights; name one behind a slash{Files()}");
    }

    /// <summary>Unpacks one member, checking its length and its CRC-32.</summary>
    /// <exception cref="CheckpointException">It is not what the archive says.</exception>
    public void Extract(string member, string path)
    {
        var entry = zip.GetEntry(member)!;
        if (entry.Length > MostBytes || (entry.Length > 1 << 20 && entry.Length / MostRatio > entry.CompressedLength))
            throw new CheckpointException(shown, $"has '{Printable.Short(member)}' of {entry.Length} bytes packed into " +
                $"{entry.CompressedLength}, which no weights are; it is not unpacked.");
        var (crc, buffer, left) = (new Crc32(), new byte[BufferBytes], entry.Length);
        try
        {
            using var packed = entry.Open();
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1);
            for (int read; (read = packed.Read(buffer)) > 0; left -= read)
            {
                if (read > left)
                    break;
                crc.Update(new ArraySegment<byte>(buffer, 0, read));
                file.Write(buffer, 0, read);
            }
            file.Flush(flushToDisk: true);
        }
        catch (InvalidDataException e)
        {
            throw new CheckpointException(shown, $"is damaged at '{Printable.Short(member)}': {e.Message}", e);
        }
        if (left != 0 || crc.Value != entry.Crc32)
            throw new CheckpointException(shown, $"is damaged: '{Printable.Short(member)}' does not have the {entry.Length} " +
                "bytes and the checksum that the package names.");
    }

    public void Dispose() => zip.Dispose();

    private void CheckMembers()
    {
        if (zip.Entries.Count > MostMembers)
            throw new CheckpointException(shown, $"has {zip.Entries.Count} members; {MostMembers} are allowed.");
        if (zip.Entries.FirstOrDefault(e => e.FullName.StartsWith('/') || e.FullName.AsSpan().IndexOfAny("\\:\0") >= 0
            || e.FullName.Split('/').Contains("..")) is { } outside)
            throw new CheckpointException(shown,
                $"has the member '{Printable.Short(outside.FullName)}', which leads out of it; the package is not used.");
        if (zip.Entries.GroupBy(e => e.FullName).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new CheckpointException(shown, $"has the member '{Printable.Short(twice.Key)}' twice; the package is not used.");
    }

    private List<string> Likely() =>
        [.. zip.Entries.Select(e => e.FullName).Where(n => Kinds.Contains(Path.GetExtension(n).ToLowerInvariant()))];

    private string Files() => Likely() is { Count: > 0 } files
        ? $"; files of weights in it: {string.Join(", ", files.Take(8).Select(f => $"'{Printable.Short(f)}'"))}." : ".";
}
