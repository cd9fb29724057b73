namespace Schane.Data;

/// <summary>Looks for pictures of a validation or test part that are nearly those of the training part.</summary>
internal static class PartCopies
{
    /// <summary>Sets with more pictures than this are not looked through before training; <see cref="FolderCheck"/> does so at leisure.</summary>
    public const int MostImages = 3000;

    /// <summary>A sentence that names a pair; null where there is none, or where the set is too large. Pictures that can't be read are passed over.</summary>
    public static string? Warning(IImageDataset train, IImageDataset? validation, IImageDataset? test, CancellationToken stop = default)
    {
        List<(IImageDataset Images, int Index, int Part)> all = [];
        foreach (var (images, part) in new[] { (train, 0), (validation, 1), (test, 1) })
            for (var i = 0; i < (images?.Count ?? 0); i++)
                all.Add((images!, i, part));
        if (all.Count > MostImages || all.TrueForAll(a => a.Part == 0))
            return null;
        var hashes = new ulong?[all.Count];
        Parallel.For(0, all.Count, new() { CancellationToken = stop, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            try
            {
                hashes[i] = PerceptualHash.Of(all[i].Images.Read(all[i].Index));
            }
            catch (SchaneException)
            {
                // Training says so, or skips it, as the recipe wants.
            }
        });
        var across = PerceptualHash.Groups(hashes).Where(g => g.Select(i => all[i].Part).Distinct().Count() > 1).ToList();
        if (across.Count == 0)
            return null;
        string Name(int part) => across[0].First(i => all[i].Part == part) is var i ? Printable.Escape(all[i].Images.NameOf(all[i].Index)) : "";
        var count = across.Sum(g => g.Count(i => all[i].Part == 1));
        return $"{count} {(count == 1 ? "picture" : "pictures")} of the validation or test part {(count == 1 ? "looks" : "look")} like one that is trained on ('{Name(1)}' like '{Name(0)}'): figures on {(count == 1 ? "it" : "them")} are too good. Keep such pictures together with --group-by, or remove them; `schane data check` lists those of a divided folder.";
    }
}
