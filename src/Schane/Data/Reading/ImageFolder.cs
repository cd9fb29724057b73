using Schane.Data.Listing;

namespace Schane.Data.Reading;

/// <summary>
/// Images in class folders: <c>FOLDER/class/….jpg</c>, or the same below folders named like parts (<c>train/</c>, <c>valid/</c>,
/// <c>test_set/</c> and the like), where that leaves no image unread. Files are images by content, extensions in any case; folders
/// inside a class folder belong to the class.
/// </summary>
/// <remarks>Only reads. Hidden files are passed over, and so are files that are no images; these are in <see cref="Strays"/>.</remarks>
public sealed class ImageFolder : IImageFiles, IDividedImages
{
    private readonly List<ScannedFile> files;
    private readonly int[] labels;
    private readonly int[][]? sets;
    private readonly FolderOptions options;

    private ImageFolder(string folder, FolderScan scan, FolderOptions options, string? name)
    {
        (Folder, Name, files, this.options) = (folder,
            name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), scan.Files, options);
        var names = new ClassNames();
        labels = names.Number(files.Select(f => f.Class), scan.Account);
        Classes = names.InOrder;
        Account = scan.Account;
        Parts = [.. new[] { "train", "val", "test" }.Where(p => files.Exists(f => f.Part == p))];
        if (options.MultiLabel == false)
            return;
        // The files of each image: one that is linked in several class folders is of all these classes.
        List<int[]> images = [];
        foreach (var same in Enumerable.Range(0, files.Count).GroupBy(i => files[i].Real))
        {
            int[] all = [.. same];
            if (all.Select(i => labels[i]).Distinct().Count() == 1)
                images.AddRange(all.Select(i => (int[])[i]));
            else
                images.Add(all.Select(i => files[i].Part).Distinct().Count() == 1 ? all
                    : throw new SchaneException($"'{Printable.Escape(files[all[0]].Relative)}' and " +
                        $"'{Printable.Escape(files[all.First(i => files[i].Part != files[all[0]].Part)].Relative)}' are one file, in two " +
                        "parts; keep it in one."));
        }
        images.Sort((a, b) => a[0] - b[0]);
        int[][] labelled = [.. images.Select(image => image.Select(i => labels[i]).Distinct().Order().ToArray())];
        var several = LabelSets.Sentence(labelled, Classes, i => files[images[i][0]].Relative);
        if (several is null && options.MultiLabel is null)
            return;
        sets = labelled;
        files = [.. images.Select(image => files[image[0]])];
        labels = LabelSets.Rarest(labelled);
        if (several is not null)
            Account.Notes.Add(several);
    }

    /// <summary>Lists a folder; no image is decoded.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What is allowed; the defaults if null.</param>
    /// <exception cref="SchaneException">No such folder, no class folders, no images, too few classes, an empty class, a class that is
    /// tested but not trained, or a loop of links.</exception>
    public static ImageFolder Open(string folder, FolderOptions? options = null) => Open(folder, options, name: null);

    /// <summary>The same under another name than the folder's.</summary>
    internal static ImageFolder Open(string folder, FolderOptions? options, string? name)
    {
        options ??= new();
        var scan = FolderScan.Of(folder, options.Top);
        var shown = Printable.Escape(folder);
        if (scan.Files.Count == 0)
            throw new SchaneException(NoImages(shown, scan));
        var opened = new ImageFolder(folder, scan, options, name);
        if (opened.Classes.Count < options.MinClasses)
            throw new SchaneException(
                $"'{shown}' holds one class, '{Printable.Escape(opened.Classes[0])}'; telling classes apart needs at least " +
                $"{options.MinClasses}. {Inner(shown, folder)}");

        List<string> warnings = [];
        var filled = scan.Files.Select(f => (f.Part, f.Class)).ToHashSet();
        foreach (var (part, @class) in scan.ClassFolders.Where(c => c.Part is null or "train"))
            if (!filled.Contains((part, @class)))
                warnings.Add(options.AllowEmptyClasses
                    ? $"Class '{Printable.Escape(@class)}' has no images."
                    : throw new SchaneException(
                        $"Class '{Printable.Escape(@class)}' has no images in '{shown}'. Fill the folder or remove it."));
        if (opened.Parts.Count > 0)
        {
            var trained = scan.Files.Where(f => f.Part == "train").Select(f => f.Class).ToHashSet();
            if (scan.Files.Find(f => !trained.Contains(f.Class)) is { } untrained)
                throw new SchaneException($"Class '{Printable.Escape(untrained.Class)}' is in {untrained.Part}/ of '{shown}' but not in " +
                    "train/. Add it there or remove it.");
        }
        var counts = scan.Files.Where(f => f.Part is null or "train").CountBy(f => f.Class);
        warnings.AddRange(counts.Where(c => c.Value == 1).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c =>
            $"Class '{Printable.Escape(c.Key)}' has one image: it can be trained on but not tested, and a contrastive loss has only its " +
            "other augmentations to pull it towards. Add images or leave the class out."));
        opened.Warnings = warnings;
        return opened;
    }

    /// <summary>The folder as it was named.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public int Count => files.Count;

    /// <summary><c>train</c> and what there is of <c>val</c> and <c>test</c>; empty where the folder isn't divided.</summary>
    public IReadOnlyList<string> Parts { get; }

    /// <summary>Warnings in words: classes with one image, empty classes.</summary>
    public IReadOnlyList<string> Warnings { get; private set; } = [];

    /// <summary>Files that are no images, relative to the folder.</summary>
    public IReadOnlyList<string> Strays => Account.NamesOf(Reason.NoImage);

    /// <inheritdoc/>
    internal InputAccount Account { get; }

    InputAccount IAccounted.Account => Account;

    /// <inheritdoc/>
    public int LabelOf(int index) => labels[index];

    bool IImageDataset.IsMultiLabel => sets is not null;

    IReadOnlyList<int> IImageDataset.LabelsOf(int index) => sets?[index] ?? [labels[index]];

    /// <inheritdoc/>
    public string NameOf(int index) => files[index].Relative;

    /// <summary>Part of image <paramref name="index"/>, null where the folder isn't divided.</summary>
    public string? PartOf(int index) => files[index].Part;

    /// <summary>Full path of image <paramref name="index"/>.</summary>
    public string PathOf(int index) => Path.Combine(Folder, files[index].Relative);

    /// <inheritdoc/>
    public Image8 Read(int index) => ImageDecoder.DecodeFile(PathOf(index), PathOf(index), options.Limits);

    ImageLimits IImageFiles.Limits => options.Limits;

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index) =>
        (ImageDecoder.ReadBytes(PathOf(index), PathOf(index), options.Limits), PathOf(index));

    private static string NoImages(string shown, FolderScan scan)
    {
        if (scan.Account.NamesOf(Reason.Loose).FirstOrDefault(s => !s.Contains('/')) is { } loose)
            return $"'{shown}' holds images such as '{Printable.Escape(loose)}' but no class folders. Put the images of each class in " +
                $"a folder of its own: {shown}/CLASS/{Printable.Escape(loose)}.";
        if (scan.Account.NamesOf(Reason.NoImage).FirstOrDefault(ImageIndex.Is) is { } list)
            return $"'{shown}' holds no class folders with images, but the list '{Printable.Escape(list)}'; name that: " +
                $"{Path.TrimEndingDirectorySeparator(shown)}/{Printable.Escape(list)}.";
        return scan.ClassFolders.Count == 0 && scan.Account.Sentence is null
            ? $"'{shown}' is empty. It should hold one folder for each class, with its images in it."
            : $"'{shown}' holds no images in its {scan.ClassFolders.Count} folders. {scan.Account.Sentence}".TrimEnd() +
                " It should hold one folder for each class, with JPEG, PNG, GIF, WebP or BMP files in it.";
    }

    /// <summary>The way out where all images are in one folder: name it, where it has folders of its own.</summary>
    private static string Inner(string shown, string folder)
    {
        var holds = FolderScan.Folders(folder).Where(d => FolderScan.HoldsImage(d.FullName, deep: true)).ToList();
        var below = holds is [var only] ? FolderScan.Folders(only.FullName) : [];
        return below.Count < 2 ? "Put the images of each class in a folder of its own."
            : $"'{Path.TrimEndingDirectorySeparator(shown)}/{Printable.Escape(holds[0].Name)}' holds the folders " +
                $"{FolderLayout.Names(below)}: name that folder.";
    }
}
