using System.Globalization;
using Schane.Data.Reading;
using Schane.Runs;

namespace Schane.Reporting.Sections;

/// <summary>An image whose label may be wrong.</summary>
/// <param name="Image">Its name in the data.</param>
/// <param name="Label">What it is called.</param>
/// <param name="Suggested">What it should perhaps be called.</param>
/// <param name="Score">How much speaks for it.</param>
internal sealed record Suspect(string Image, string Label, string Suggested, double Score);

/// <summary>Images whose label may be wrong, from a run's <c>label-errors.csv</c>.</summary>
internal static class LabelErrorsSection
{
    private const int MostShown = 60;

    /// <summary>The suspects that a page shows, the most suspect first; null where no labels were checked.</summary>
    /// <param name="path">A table with the columns path, label, suggested, score and rank, in any order and
    /// with others between them.</param>
    /// <exception cref="SchaneException">A column is missing, or a score is no number.</exception>
    public static SuspectList? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        var records = TextTable.Csv(path).ToList();
        if (records.Count == 0)
            throw new SchaneException(
                $"'{Printable.Escape(path)}' is empty; it must have the columns path, label, suggested, score and rank.");
        var (image, label, suggested, score, rank) = (Column("path"), Column("label"), Column("suggested"),
            Column("score"), Column("rank"));
        var rows = records.Skip(1).Select(record => record.Fields.Count == records[0].Fields.Count
            ? (Fields: (IReadOnlyList<string>)record.Fields, Rank: Number(record, rank), Score: Number(record, score))
            : throw new SchaneException($"'{Printable.Escape(path)}', line {record.Line}: there are {record.Fields.Count} fields; the " +
                $"heading has {records[0].Fields.Count}.")).OrderBy(row => row.Rank).ToArray();
        return new(Path.GetFileName(path), rows.Length,
            [.. rows.Take(MostShown).Select(row => new Suspect(row.Fields[image], row.Fields[label], row.Fields[suggested], row.Score))]);

        int Column(string name) => records[0].Fields.IndexOf(name) is >= 0 and var place ? place
            : throw new SchaneException(
                $"'{Printable.Escape(path)}' must have the columns path, label, suggested, score and rank but lacks '{name}'.");

        double Number((int Line, List<string> Fields) record, int column) =>
            double.TryParse(record.Fields[column], CultureInfo.InvariantCulture, out var value) ? value
            : throw new SchaneException($"'{Printable.Escape(path)}', line {record.Line}: '{Printable.Escape(record.Fields[column])}' " +
                "stands where a number is expected.");
    }

    public static ReportSection? Of(SuspectList? suspects, Thumbnails thumbnails)
    {
        if (suspects is null)
            return null;
        if (suspects.All == 0)
            return new("label-errors", "Suspected label errors", Html.Of($"<p>No label looks wrong.</p>"));
        var cards = suspects.Shown.Select(one => Gallery.Card(
            [Gallery.Thumbnail(Thumbnail(one.Image), one.Image)],
            Html.Of($"{Html.Name(one.Label)} <span class=\"quiet\">or rather</span> {Html.Name(one.Suggested)}"),
            Html.Of($"<span class=\"quiet\">score {Quantity.Number(one.Score)}</span>"),
            Html.Of($"<span class=\"quiet file\">{Html.Name(one.Image)}</span>")));
        var all = suspects.All > MostShown ? $"The first {MostShown} of {Quantity.Count(suspects.All)} images"
            : suspects.All == 1 ? "One image" : $"{Quantity.Count(suspects.All)} images";
        return new("label-errors", "Suspected label errors", Html.Of($"""
            <p>{all} whose neighbours contradict the label, the most suspect first. Look before you believe:
            keep the lines of <code>{suspects.File}</code> that are right, and train again with
            <code>--relabel</code> or <code>--exclude</code>; your files stay as they are.</p>
            {Gallery.Of("Suspected label errors", cards, narrow: true)}
            """));

        byte[]? Thumbnail(string name) =>
            ((string[])["train", "val", "test"]).Select(part => thumbnails.Find(part, name)).FirstOrDefault(found => found is not null);
    }
}

/// <summary>What a page shows of <c>label-errors.csv</c>.</summary>
/// <param name="File">The file's name.</param>
/// <param name="All">Suspects in it.</param>
/// <param name="Shown">Those that are shown.</param>
internal sealed record SuspectList(string File, int All, IReadOnlyList<Suspect> Shown);
