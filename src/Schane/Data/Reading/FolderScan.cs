using Schane.Data.Listing;

namespace Schane.Data.Reading;

/// <summary>An image file of a folder.</summary>
/// <param name="Relative">Path below the folder, with forward slashes on every system.</param>
/// <param name="Class">Its class folder.</param>
/// <param name="Part"><c>train</c>, <c>val</c> or <c>test</c>; null where the folder isn't divided.</param>
/// <param name="Real">Where it really lies, links followed.</param>
internal sealed record ScannedFile(string Relative, string Class, string? Part, string Real);

/// <summary>
/// Lists the images of a folder without decoding any: files with an image extension in any case, and others that begin like an image.
/// Hidden files and folders (a leading dot) and those that systems make are passed over. Links are followed, but not back up.
/// </summary>
internal sealed class FolderScan
{
    /// <summary>Folders that systems and network disks put among people's files: archives, thumbnails, bins.</summary>
    private static readonly HashSet<string> OfSystems = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "@eaDir", "#recycle", "@Recycle", "@Recently-Snapshot", "@__thumb", "#snapshot", "$RECYCLE.BIN", "RECYCLER",
        "lost+found", "System Volume Information",
    };

    private readonly string root;
    private readonly string realRoot;
    private readonly PathPattern wanted = PathPattern.All;
    private (int Count, string First) leadingOut;

    private FolderScan(string root) => (this.root, realRoot) = (root, RealPath(root));

    private FolderScan(string root, PathPattern wanted) : this(root) => this.wanted = wanted;

    public List<ScannedFile> Files { get; } = [];

    /// <summary>Class folders that were found, images or not, with the part they stand in.</summary>
    public List<(string? Part, string Class)> ClassFolders { get; } = [];

    /// <summary>What was passed over, and why.</summary>
    public InputAccount Account { get; } = new();

    public static FolderScan Of(string folder, TopFolders how = TopFolders.Told)
    {
        var shown = Printable.Escape(folder);
        if (File.Exists(folder))
            throw new SchaneException($"'{shown}' is a file; name the folder that holds the class folders.");
        if (!Directory.Exists(folder))
            throw new SchaneException($"There is no folder '{shown}'. Check the path; it is relative to " +
                $"'{Printable.Escape(Environment.CurrentDirectory)}' unless it begins with '/'.");
        var scan = new FolderScan(Path.GetFullPath(folder));
        var parts = FolderLayout.PartsOf(shown, Folders(scan.root), how);
        if (parts.Count == 0)
            scan.AddClasses(scan.root, scan.realRoot, null);
        foreach (var (part, name) in parts)
            scan.AddClasses(part.FullName, scan.RealOf(part, scan.realRoot, []), name);
        if (parts.Count > 0)
            scan.PassOverBeside([.. parts.Select(p => p.Folder.Name)]);
        scan.TellLinks(shown);
        return scan;
    }

    /// <summary>The images below a folder that a pattern means, by name, also those of kinds that are not read, whoever asks for an answer
    /// about each; the account tells of these and of the rest.</summary>
    public static IReadOnlyList<string> Below(string folder, PathPattern wanted, InputAccount account)
    {
        var scan = new FolderScan(Path.GetFullPath(folder), wanted);
        scan.AddImages(new(scan.root), "", null, []);
        scan.TellLinks(Printable.Escape(folder));
        account.Add(scan.Account);
        return [.. scan.Files.Select(file => file.Relative)
            .Concat(scan.Account.PassedOver.Where(r => r.Key.IsKind).SelectMany(r => r.Value))
            .Order(StringComparer.Ordinal).Select(file => Path.Combine(folder, file))];
    }

    private void TellLinks(string shown)
    {
        if (leadingOut is ( > 0 and var links, var first))
            Account.Notes.Add(
                $"{links:N0} {(links == 1 ? "link leads" : "links lead")} out of '{shown}' ({first}{(links == 1 ? "" : " first")}).");
    }

    /// <summary>The folders in a folder, in order of names, without what is hidden.</summary>
    public static IReadOnlyList<DirectoryInfo> Folders(string folder) => [.. Entries(folder).OfType<DirectoryInfo>()];

    /// <summary>Whether there is an image in a folder, or below it.</summary>
    public static bool HoldsImage(string folder, bool deep) => Directory
        .EnumerateFiles(folder, "*", new EnumerationOptions
        {
            RecurseSubdirectories = deep,
            MaxRecursionDepth = 8,                                        // links may lead in circles
            IgnoreInaccessible = true,
        })
        .Any(file => Path.GetFileName(file)[0] != '.' && IsImage(file));

    /// <summary>Whether a file is an image by its name or its first bytes, of a kind that is read or not.</summary>
    public static bool IsImage(string path) => KindOf(path) is { Image: true } or { Kind: not null };

    private void PassOverBeside(HashSet<string> parts)
    {
        foreach (var entry in Entries(root))
            if (entry is FileInfo file)
                PassOver(file);
            else if (!parts.Contains(entry.Name))
                Account.PassOver(Reason.NoPart, entry.Name);
    }

    private void AddClasses(string folder, string real, string? part)
    {
        foreach (var entry in Entries(folder))
        {
            if (entry is not DirectoryInfo directory)
            {
                PassOver((FileInfo)entry);
                continue;
            }
            ClassFolders.Add((part, entry.Name));
            AddImages(directory, entry.Name, part, [realRoot, real]);
        }
    }

    private void AddImages(DirectoryInfo directory, string @class, string? part, List<string> above)
    {
        above.Add(above.Count == 0 ? realRoot : RealOf(directory, above[^1], above));
        foreach (var entry in Entries(directory.FullName))
            if (entry is DirectoryInfo below)
            {
                if (wanted == PathPattern.All || wanted.LeadsInto(Relative(below.FullName)))
                    AddImages(below, @class, part, above);
            }
            else if (wanted != PathPattern.All && !wanted.Matches(Relative(entry.FullName)))
                continue;
            else if (KindOf(entry.FullName) is { Image: true })
            {
                var real = entry.LinkTarget is null ? Path.Combine(above[^1], entry.Name) : TargetOf(entry) ?? entry.FullName;
                Files.Add(new(Relative(entry.FullName), @class, part, real));
                NoteLink(entry, real);
            }
            else
                PassOver((FileInfo)entry);
        above.RemoveAt(above.Count - 1);
    }

    /// <summary>Counts a file that is not used under its reason: an image outside the class folders, one of a kind that is not read, or no
    /// image.</summary>
    private void PassOver(FileInfo file)
    {
        var (image, kind) = KindOf(file.FullName);
        Account.PassOver(image ? Reason.Loose : kind is null ? Reason.NoImage : Reason.Unread(kind), Relative(file.FullName));
    }

    private string Relative(string path) => Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/');

    /// <summary>What a folder holds, in order of names, without what is hidden.</summary>
    private static List<FileSystemInfo> Entries(string folder)
    {
        try
        {
            return [.. new DirectoryInfo(folder).EnumerateFileSystemInfos()
                .Where(e => e.Name[0] != '.' && !OfSystems.Contains(e.Name))
                .OrderBy(e => e.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new SchaneException($"The folder '{Printable.Escape(folder)}' can't be listed: {Printable.Escape(e.Message)}", e);
        }
    }

    /// <summary>Where a folder really lies.</summary>
    /// <exception cref="SchaneException">It is a link to nowhere, or to a folder above it.</exception>
    private string RealOf(DirectoryInfo directory, string realParent, List<string> above)
    {
        if (directory.LinkTarget is null)
            return Path.Combine(realParent, directory.Name);
        var real = RealPath(directory.FullName);
        if (above.Append(realParent).FirstOrDefault(folder => IsIn(folder, real)) is not null)
            throw new SchaneException(
                $"'{Printable.Escape(Relative(directory.FullName))}' is a link to a folder above it, a loop. Remove the link.");
        NoteLink(directory, real);
        return real;
    }

    private void NoteLink(FileSystemInfo entry, string real)
    {
        if (entry.LinkTarget is not null && !IsIn(real, realRoot))
            leadingOut = (leadingOut.Count + 1,
                leadingOut.First ?? $"'{Printable.Short(Relative(entry.FullName))}' to '{Printable.Short(real)}'");
    }

    /// <summary>Where a link leads; null where it leads nowhere, which is told when the image is read.</summary>
    private static string? TargetOf(FileSystemInfo entry)
    {
        try
        {
            return RealPath(entry.FullName);
        }
        catch (SchaneException)
        {
            return null;
        }
    }

    private static bool IsIn(string path, string folder) => path == folder
        || path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>A path with all links in it followed, not only its last.</summary>
    private static string RealPath(string path, int mostLinks = 40)
    {
        if (Path.GetDirectoryName(path) is not { } parent)
            return path;
        var here = Path.Combine(RealPath(parent, mostLinks), Path.GetFileName(path));
        try
        {
            return Directory.ResolveLinkTarget(here, returnFinalTarget: true) is not { } target ? here
                : mostLinks > 0 ? RealPath(target.FullName, mostLinks - 1) : throw new IOException("It leads back to itself.");
        }
        catch (IOException e)
        {
            throw new SchaneException(
                $"The link '{Printable.Escape(path)}' leads nowhere: {Printable.Escape(e.Message)} Remove it.", e);
        }
    }

    private static (bool Image, string? Kind) KindOf(string path)
    {
        if (Magic.Claimed(path) != ImageFormat.Unknown)
            return (true, null);
        Span<byte> head = stackalloc byte[OtherFormats.HeadLength];
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            head = [];
        }
        return Magic.Sniff(head) != ImageFormat.Unknown || OtherFormats.KindOf(path, head) is not null
            ? (true, null) : (false, UnreadKinds.Of(path, head));
    }
}
