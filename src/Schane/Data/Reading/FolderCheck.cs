using System.Security.Cryptography;
using Schane.Tensors;

namespace Schane.Data.Reading;

/// <summary>Reads every file of an image folder once and tells what training would stumble over. Writes nothing.</summary>
internal sealed record FolderCheck
{
    /// <summary>Classes with fewer readable training images are reported. 5 by default: fewer leave nothing to validate on.</summary>
    public int MinImages { get; init => field = Require.AtLeast(value, 1); } = 5;

    /// <summary>Threads that decode. 1 by default.</summary>
    public int Workers { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>What counts as too large.</summary>
    public ImageLimits Limits { get; init; } = ImageLimits.Default;

    /// <summary>Checks a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="progress">Told how many images are done.</param>
    /// <param name="cancel">Stops the check.</param>
    /// <exception cref="SchaneException">The folder can't be listed or holds no images.</exception>
    public FolderReport Run(string folder, IProgress<int>? progress = null, CancellationToken cancel = default)
    {
        var images = ImageFolder.Open(folder, new() { MinClasses = 1, AllowEmptyClasses = true, Limits = Limits });
        var found = new Finding[images.Count];
        var done = 0;
        Parallel.For(0, images.Count, new() { MaxDegreeOfParallelism = Workers, CancellationToken = cancel }, i =>
        {
            found[i] = Look(images, i);
            progress?.Report(Interlocked.Increment(ref done));
        });

        var all = Enumerable.Range(0, images.Count).ToList();
        IReadOnlyList<FileProblem> Problems(Func<int, string?> problem) =>
            [.. all.Where(i => problem(i) is not null).Select(i => new FileProblem(images.NameOf(i), problem(i)!))];
        DuplicateFiles Alike(IEnumerable<int> group) => new(
            [.. group.Select(images.NameOf)], group.Select(images.PartOf).Distinct().Count() > 1,
            group.Select(images.LabelOf).Distinct().Count() > 1);
        return new(
            folder,
            images.Count,
            Counts(images, all),
            Problems(i => found[i].Problem),
            Problems(i => found[i].Misnamed),
            [.. all.Where(i => found[i].Hash is not null).GroupBy(i => found[i].Hash).Where(g => g.Count() > 1).Select(Alike)],
            // One picture of each file: equal files are reported above.
            [.. PerceptualHash.Groups([.. all.Select(i => found[i].Look)])
                .Select(g => g.DistinctBy(i => found[i].Hash).ToList()).Where(g => g.Count > 1)
                .Select(Alike).Where(d => d.AcrossClasses || d.AcrossParts)],
            [.. Counts(images, [.. all.Where(i => found[i].Problem is null && images.PartOf(i) is null or "train")])
                .Where(c => c.Images < MinImages)],
            images.Strays,
            [.. found.Select(f => f.Damage).OfType<string>(), .. images.Classes.Count > 1 ? []
                : (string[])[$"There is one class, '{Printable.Escape(images.Classes[0])}'; telling classes apart needs two."],
                .. images.Warnings]);
    }

    private Finding Look(ImageFolder images, int index)
    {
        var name = images.NameOf(index);
        try
        {
            var bytes = ImageDecoder.ReadBytes(images.PathOf(index), name, Limits);
            var (claimed, actual) = (Magic.Claimed(name), Magic.Sniff(bytes));
            var misnamed = actual == ImageFormat.Unknown || claimed == actual ? null
                : $"'{Printable.Escape(name)}' is a {ImageDecoder.Name(actual)}" +
                    (claimed == ImageFormat.Unknown ? " without the extension of one." : $", not a {ImageDecoder.Name(claimed)}.");
            var hash = bytes.Length == 0 ? null : Convert.ToHexString(SHA256.HashData(bytes));
            try
            {
                var look = PerceptualHash.Of(ImageDecoder.Decode(bytes, name, Limits, orient: true, out var damage));
                return new(null, misnamed, hash, look, damage);
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

    private static IReadOnlyList<ClassCount> Counts(ImageFolder images, List<int> indices)
    {
        var byClass = indices.ToLookup(images.LabelOf);
        return [.. images.Classes.Select((name, label) => new ClassCount(
            name, byClass[label].Count(),
            images.Parts.ToDictionary(part => part, part => byClass[label].Count(i => images.PartOf(i) == part))))];
    }

    private readonly record struct Finding(string? Problem, string? Misnamed, string? Hash, ulong? Look, string? Damage = null);
}
