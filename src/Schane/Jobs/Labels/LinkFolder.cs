using System.Security.Cryptography;
using System.Text;

namespace Schane.Jobs.Labels;

/// <summary>A folder of symbolic links to images, one folder a class, as <c>schane train</c> takes them once a person has moved those that
/// are wrong.</summary>
internal sealed class LinkFolder
{
    private readonly string folder;

    /// <param name="folder">Where; it is made where it is not there.</param>
    /// <param name="force">Whether it may hold something: links are replaced then, and all else stays.</param>
    /// <exception cref="SchaneException">Something stands there already.</exception>
    public LinkFolder(string folder, bool force)
    {
        this.folder = folder;
        if (File.Exists(folder))
            throw new SchaneException($"'{Printable.Escape(folder)}' is a file; name a folder for the links with --links.");
        if (!force && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new SchaneException($"'{Printable.Escape(folder)}' is not empty; replace the links in it with --force or name another " +
                "folder with --links.");
    }

    /// <summary>Whether a file lies in it.</summary>
    public bool Holds(string file) =>
        Path.GetFullPath(file).StartsWith(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal);

    /// <summary>Links images by class.</summary>
    /// <exception cref="SchaneException">A link can't be made.</exception>
    public void Write(IEnumerable<(string Image, string Class)> images)
    {
        try
        {
            foreach (var old in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
                foreach (var link in new DirectoryInfo(old).LinkTarget is null ? Directory.GetFiles(old) : [])
                    if (new FileInfo(link).LinkTarget is not null)
                        File.Delete(link);
            foreach (var (image, name) in images)
            {
                var parent = Directory.CreateDirectory(Path.Combine(folder, FolderOf(name))).FullName;
                // Images of one name, of this round and of others, have links of different names, so that none takes another's place among
                // the training images.
                var (whole, file) = (Path.GetFullPath(image), Path.GetFileName(image));
                File.CreateSymbolicLink(Path.Combine(parent,
                    $"{Path.GetFileNameWithoutExtension(file)}-{Hash(whole)}{Path.GetExtension(file)}"), whole);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            throw new SchaneException($"Links can't be made in '{Printable.Escape(folder)}' " +
                $"({Printable.Escape(e.Message.TrimEnd('.'))}); name another folder with --links, or leave it out.", e);
        }
    }

    /// <summary>The class's name where a folder can have it; else what of it can be, with a hash that keeps it apart from others.</summary>
    internal static string FolderOf(string name)
    {
        var plain = string.Concat(name.Select(c => char.IsControl(c) || "/\\:*?\"<>|".Contains(c) ? '-' : c));
        return plain == name && name.Trim() == name && !name.StartsWith('.') && !name.EndsWith('.') ? name
            : $"{plain.Trim(' ', '.')}-{Hash(name)}";
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 4));
}
