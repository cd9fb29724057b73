using Schane.Data.Reading;

namespace Schane.Data;

/// <summary>A part of a data set as it lies on the disk, beside what it should be.</summary>
/// <param name="Part">Its name.</param>
/// <param name="Expected">What it officially holds.</param>
/// <param name="Images">Images that its lists name; 0 where it can't be opened.</param>
/// <param name="Classes">Classes that it names.</param>
/// <param name="MissingFiles">Images that are named but not there.</param>
/// <param name="Problem">What is wrong, and where to get what is missing; null if it is complete.</param>
internal sealed record PartReport(string Part, PartFacts Expected, int Images, int Classes, int MissingFiles, string? Problem);

/// <summary>Compares a named data set with its official counts. Reads lists and looks whether files are there; decodes
/// nothing, writes nothing.</summary>
internal static class DatasetCheck
{
    /// <summary>Checks all parts of a data set.</summary>
    /// <param name="name">A name of <see cref="DatasetCatalog.Entries"/>.</param>
    /// <param name="dataRoot">Where data sets lie.</param>
    /// <param name="cancel">Stops the check.</param>
    /// <exception cref="SchaneException">There is no such data set.</exception>
    public static IReadOnlyList<PartReport> Run(string name, string? dataRoot = null, CancellationToken cancel = default)
    {
        var entry = DatasetCatalog.Find(name);
        return [.. entry.Facts.Select(facts => Part(entry, facts, dataRoot, cancel))];
    }

    private static PartReport Part(CatalogEntry entry, PartFacts facts, string? dataRoot, CancellationToken cancel)
    {
        IImageDataset images;
        try
        {
            images = entry.Open(facts.Part, dataRoot);
        }
        catch (SchaneException e)
        {
            return new(facts.Part, facts, 0, 0, 0, e.Message);
        }
        var missing = 0;
        string? first = null;
        if (images is ListedImages listed)
            for (var i = 0; i < listed.Count; i++)
            {
                cancel.ThrowIfCancellationRequested();
                if (File.Exists(listed.PathOf(i)))
                    continue;
                first ??= listed.PathOf(i);
                missing++;
            }
        List<string> wrong = [];
        if (missing > 0)
            wrong.Add($"{missing} of {images.Count} files are missing, '{Printable.Escape(first!)}' first");
        if (images.Count != facts.Images)
            wrong.Add($"it has {images.Count} images; officially it has {facts.Images}");
        if (images.Classes.Count != facts.Classes)
            wrong.Add($"it has {images.Classes.Count} classes; officially it has {facts.Classes}");
        return new(facts.Part, facts, images.Count, images.Classes.Count, missing,
            wrong.Count == 0 ? null : $"{entry.Name}:{facts.Part}: {string.Join("; ", wrong)}. Unpack the official archive again.");
    }
}
