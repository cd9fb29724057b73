namespace Schane.Data.Reading;

/// <summary>An image file of a folder.</summary>
/// <param name="Relative">Path below the folder, with forward slashes on every system.</param>
/// <param name="Class">Its class folder.</param>
/// <param name="Part"><c>train</c>, <c>val</c> or <c>test</c>; null where the folder isn't divided.</param>
internal sealed record ScannedFile(string Relative, string Class, string? Part);

/// <summary>
/// Lists the images of a folder without decoding any: files with an image extension in any case, and others that begin like an image.
/// Hidden files and folders (a leading dot, __MACOSX) are passed over. Links are followed, but not back up.
/// </summary>
internal sealed class FolderScan
{
    private readonly string root;

    private FolderScan(string root) => this.root = root;

    public List<ScannedFile> Files { get; } = [];

    /// <summary>Class folders that were found, images or not, with the part they stand in.</summary>
    public List<(string? Part, string Class)> ClassFolders { get; } = [];

    /// <summary>Files passed over because they are no images: notes, thumbnails' indices and the like.</summary>
    public List<string> Strays { get; } = [];

    public static FolderScan Of(string folder)
    {
        var shown = Printable.Escape(folder);
        if (File.Exists(folder))
            throw new SchaneException($"'{shown}' is a file; name the folder that holds the class folders.");
        if (!Directory.Exists(folder))
            throw new SchaneException($"There is no folder '{shown}'. Check the path; it is relative to " +
                $"'{Printable.Escape(Environment.CurrentDirectory)}' unless it begins with '/'.");
        var scan = new FolderScan(Path.GetFullPath(folder));
        var top = Entries(scan.root).Where(e => e is DirectoryInfo).ToList();
        var parts = top.Select(d => (Folder: d, Part: PartNamed(d.Name))).Where(p => p.Part is not null).ToList();
        var divided = parts.Any(p => p.Part == "train") && parts.Count >= 1;
        if (divided && parts.GroupBy(p => p.Part).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new SchaneException(
                $"'{shown}' holds {string.Join(" and ", twice.Select(t => $"'{Printable.Escape(t.Folder.Name)}'"))}, which both mean " +
                $"{twice.Key}. Keep one of them.");
        if (divided)
            foreach (var (part, name) in parts)
                scan.AddClasses(part.FullName, name);
        else
            scan.AddClasses(scan.root, null);
        return scan;
    }

    private static string? PartNamed(string name) => name.ToLowerInvariant() switch
    {
        "train" or "training" => "train",
        "val" or "valid" or "validation" => "val",
        "test" or "testing" => "test",
        _ => null,
    };

    private void AddClasses(string folder, string? part)
    {
        foreach (var entry in Entries(folder))
        {
            if (entry is not DirectoryInfo directory)
            {
                Strays.Add(Relative(entry.FullName));
                continue;
            }
            ClassFolders.Add((part, entry.Name));
            AddImages(directory, entry.Name, part, [RealPath(new DirectoryInfo(folder))]);
        }
    }

    private void AddImages(DirectoryInfo directory, string @class, string? part, List<string> above)
    {
        var real = RealPath(directory);
        if (above.Contains(real))
            throw new SchaneException(
                $"'{Printable.Escape(Relative(directory.FullName))}' is a link to a folder above it, a loop. Remove the link.");
        above.Add(real);
        foreach (var entry in Entries(directory.FullName))
            if (entry is DirectoryInfo below)
                AddImages(below, @class, part, above);
            else if (Magic.Claimed(entry.Name) != ImageFormat.Unknown || BeginsLikeAnImage(entry.FullName))
                Files.Add(new(Relative(entry.FullName), @class, part));
            else
                Strays.Add(Relative(entry.FullName));
        above.RemoveAt(above.Count - 1);
    }

    private string Relative(string path) => Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/');

    /// <summary>What a folder holds, in order of names, without what is hidden.</summary>
    private static List<FileSystemInfo> Entries(string folder)
    {
        try
        {
            return [.. new DirectoryInfo(folder).EnumerateFileSystemInfos()
                .Where(e => e.Name[0] != '.' && e.Name != "__MACOSX")
                .OrderBy(e => e.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new SchaneException($"The folder '{Printable.Escape(folder)}' can't be listed: {Printable.Escape(e.Message)}", e);
        }
    }

    private static string RealPath(DirectoryInfo directory)
    {
        try
        {
            return directory.LinkTarget is null ? directory.FullName : directory.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        }
        catch (IOException e)
        {
            throw new SchaneException(
                $"The link '{Printable.Escape(directory.FullName)}' leads nowhere: {Printable.Escape(e.Message)} Remove it.", e);
        }
    }

    private static bool BeginsLikeAnImage(string path)
    {
        Span<byte> head = stackalloc byte[16];
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return Magic.Sniff(head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)]) != ImageFormat.Unknown;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
