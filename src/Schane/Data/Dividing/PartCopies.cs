using System.Diagnostics;
using Schane.Data.Reading;
using Schane.Tensors;

namespace Schane.Data.Dividing;

/// <summary>Looks for images of a validation or test part that are nearly those of the training part.</summary>
internal static class PartCopies
{
    /// <summary>What a look through all images may take before training; <see cref="FolderCheck"/> takes what it needs.</summary>
    public static readonly TimeSpan MostTime = TimeSpan.FromSeconds(30);

    /// <summary>Images whose time tells that of all.</summary>
    private const int Sample = 200;

    /// <summary>A sentence that names a pair, or one that says that the comparison was skipped because it would have taken longer than
    /// <paramref name="most"/>; null where there is no pair. Images that can't be read are passed over; <paramref name="files"/> remembers
    /// them.</summary>
    public static string? Warning(IImageDataset train, IImageDataset? validation, IImageDataset? test, TimeSpan most,
        PartFiles? files = null, CancellationToken stop = default)
    {
        files ??= new();
        List<(IImageDataset Images, int Index, int Part)> all = [];
        foreach (var (images, part) in new[] { (train, 0), (validation, 1), (test, 1) })
            for (var i = 0; i < (images?.Count ?? 0); i++)
                all.Add((images!, i, part));
        if (all.TrueForAll(a => a.Part == 0))
            return null;
        var looks = new Fingerprint?[all.Count];
        // Every so many-th first, from all parts and classes.
        var order = Enumerable.Range(0, all.Count).OrderBy(i => i % Math.Max(1, all.Count / Sample)).ToArray();
        var sample = Math.Min(Sample, order.Length);
        var clock = Stopwatch.StartNew();
        Look(0, sample);
        var whole = clock.Elapsed / sample * all.Count;
        if (whole > most)
            return "Nobody has looked whether images of the validation or test part are nearly the same as ones that are trained on: " +
                $"with {all.Count} images that takes about {Spoken(whole)}. Of images in class folders, " +
                "`schane data check FOLDER --json` lists those that look alike.";
        Look(sample, order.Length);
        var pairs = NearCopies.Pairs(looks, stop);
        if (pairs.FirstOrDefault(p => all[p.First].Part != all[p.Second].Part) is not { Second: > 0 } across)
            return null;
        string Name(int i) => Printable.Escape(all[i].Images.NameOf(all[i].Index));
        var count = NearCopies.Groups(all.Count, pairs).Where(g => g.Any(i => all[i].Part == 0)).Sum(g => g.Count(i => all[i].Part == 1));
        return $"{count} {(count == 1 ? "image" : "images")} of the validation or test part may be nearly the same as one that is " +
            $"trained on ('{Name(across.Second)}' as '{Name(across.First)}'): figures on {(count == 1 ? "it" : "them")} would be too " +
            "good. Keep such images together with --group-by, or remove them; `schane data check` lists those of a divided folder.";

        static string Spoken(TimeSpan time) =>
            time.TotalSeconds < 90 ? $"{Math.Ceiling(time.TotalSeconds)} s" : $"{Math.Ceiling(time.TotalMinutes)} minutes";

        void Look(int from, int to) =>
            Parallel.For(from, to, new() { CancellationToken = stop, MaxDegreeOfParallelism = ComputeThreads.Processors }, at =>
            {
                var (images, index, _) = all[order[at]];
                if (files.Read(images, index) is { } image)
                    looks[order[at]] = Fingerprint.Of(image);
            });
    }
}
