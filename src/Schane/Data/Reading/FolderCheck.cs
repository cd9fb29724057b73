using System.Security.Cryptography;
using Schane.Tensors;

namespace Schane.Data.Reading;

/// <summary>Reads every image of a folder, a list or Parquet files once and tells what training would stumble over.</summary>
internal sealed record FolderCheck
{
    /// <summary>Classes with fewer readable training images are reported. 5 by default: fewer leave nothing to validate on.</summary>
    public int MinImages { get; init => field = Require.AtLeast(value, 1); } = 5;

    /// <summary>Threads that decode. 1 by default.</summary>
    public int Workers { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Where data sets lie; null: the customary places.</summary>
    public string? DataRoot { get; init; }

    /// <summary>What counts as too large.</summary>
    public ImageLimits Limits { get; init; } = ImageLimits.Default;

    /// <summary>How the data are read; fewer classes and empty ones are let pass here: training judges them.</summary>
    public FolderOptions Options { get; init; } = new();

    /// <summary>Checks data.</summary>
    /// <param name="data">As for <see cref="DatasetCatalog.Open"/>.</param>
    /// <param name="refusal">Opens the data as training does, and gives the sentence where that refuses them.</param>
    /// <param name="progress">Told how many images are done.</param>
    /// <param name="cancel">Stops the check.</param>
    /// <exception cref="SchaneException">The data can't be listed or hold no images.</exception>
    public FolderReport Run(string data, Func<string?>? refusal = null, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        var images = DatasetCatalog.Open(data, DataRoot, Options with { MinClasses = 1, AllowEmptyClasses = true, Limits = Limits });
        var divided = images as IDividedImages;
        var account = IAccounted.Of(images);
        var found = new Finding[images.Count];
        var range = new NarrowRange();
        var done = 0;
        Parallel.For(0, images.Count, new() { MaxDegreeOfParallelism = Workers, CancellationToken = cancel }, i =>
        {
            found[i] = Look(images, i, range);
            progress?.Report(Interlocked.Increment(ref done));
        });

        var all = Enumerable.Range(0, images.Count).ToList();
        IReadOnlyList<FileProblem> Problems(Func<int, string?> problem) =>
            [.. all.Where(i => problem(i) is not null).Select(i => new FileProblem(images.NameOf(i), problem(i)!))];
        DuplicateFiles Alike(IEnumerable<int> group) => new(
            [.. group.Select(images.NameOf)], group.Select(i => divided?.PartOf(i)).Distinct().Count() > 1,
            group.Select(i => string.Join(',', images.LabelsOf(i))).Distinct().Count() > 1);
        return new(
            data,
            images.Count,
            Counts(images, divided, all),
            Problems(i => found[i].Problem),
            Problems(i => found[i].Misnamed),
            [.. all.Where(i => found[i].Hash is not null).GroupBy(i => found[i].Hash).Where(g => g.Count() > 1).Select(Alike)],
            // One image of each file: equal files are reported above.
            [.. NearCopies.Groups(all.Count, NearCopies.Pairs([.. found.Select(f => f.Look)], cancel))
                .Select(g => g.DistinctBy(i => found[i].Hash).ToList()).Where(g => g.Count > 1)
                .Select(Alike).Where(d => d.AcrossClasses || d.AcrossParts)],
            [.. Counts(images, divided, [.. all.Where(i => found[i].Problem is null && divided?.PartOf(i) is null or "train")])
                .Where(c => c.Images < MinImages)],
            found.Select(f => f.Format).OfType<string>().CountBy(format => format).OrderByDescending(f => f.Value).ThenBy(f => f.Key)
                .ToDictionary(),
            ImageSizes.Of(found.Select(f => f.Size).OfType<(int, int)>()),
            account.PassedOver.ToDictionary(r => r.Key.Key, r => (IReadOnlyList<string>)r.Value),
            [.. found.Select(f => f.Damage).OfType<string>(), .. account.Sentences, .. images.Classes.Count == 1 && refusal is null
                ? (string[])[$"There is one class, '{Printable.Escape(images.Classes[0])}'; telling classes apart needs two."] : [],
                .. range.Sentence is { } narrow ? (string[])[narrow] : [], .. divided?.Warnings ?? []],
            refusal?.Invoke());
    }

    private Finding Look(IImageDataset images, int index, NarrowRange range)
    {
        var name = images.NameOf(index);
        try
        {
            if ((images is ImageFolder folder ? (ImageDecoder.ReadBytes(folder.PathOf(index), name, Limits), name)
                : (images as IImageFiles)?.ReadFile(index)) is not var (bytes, _))
            {
                var read = images.Read(index);
                return new(null, null, null, Fingerprint.Of(read), Size: (read.Width, read.Height));
            }
            var (claimed, actual) = (Magic.Claimed(name), Magic.Sniff(bytes));
            var other = OtherFormats.KindOf(name, bytes);
            var misnamed = images is StoredImages || claimed == actual || (actual == ImageFormat.Unknown && other is null)
                ? null : $"'{Printable.Escape(name)}' is a {other ?? ImageDecoder.Name(actual)}" +
                    (claimed == ImageFormat.Unknown ? " without the extension of one." : $", not a {ImageDecoder.Name(claimed)}.");
            var hash = bytes.Length == 0 ? null : Convert.ToHexString(SHA256.HashData(bytes));
            try
            {
                var image = ImageDecoder.Decode(bytes, name, Limits, orient: true, out var damage);
                range.Look(image, name, () => bytes);
                return new(null, misnamed, hash, Fingerprint.Of(image), damage ?? OtherFormats.NoteOf(bytes, name),
                    other ?? ImageDecoder.Name(actual), (image.Width, image.Height));
            }
            catch (SchaneException e)
            {
                return new(e.Message, misnamed, hash, null);
            }
        }
        catch (SchaneException e)
        {
            return new(e.Message, null, null, null);
        }
    }

    private static IReadOnlyList<ClassCount> Counts(IImageDataset images, IDividedImages? divided, List<int> indices)
    {
        var byClass = indices.SelectMany(i => images.LabelsOf(i).Select(label => (label, i))).ToLookup(of => of.label, of => of.i);
        return [.. images.Classes.Select((name, label) => new ClassCount(
            name, byClass[label].Count(),
            (divided?.Parts ?? []).ToDictionary(part => part, part => byClass[label].Count(i => divided!.PartOf(i) == part))))];
    }

    private readonly record struct Finding(string? Problem, string? Misnamed, string? Hash, Fingerprint? Look, string? Damage = null,
        string? Format = null, (int Width, int Height)? Size = null);
}
