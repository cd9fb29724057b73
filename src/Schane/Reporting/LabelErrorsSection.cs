using System.Globalization;
using Schane.Data;

namespace Schane.Reporting;

/// <summary>Images whose label may be wrong, from a run's <c>label-errors.csv</c>.</summary>
internal static class LabelErrorsSection
{
    private const int Shown = 60;

    /// <param name="path">A table with the columns path, label, suggested, score and rank, in any order and with others between them.</param>
    /// <param name="thumbnails">Pictures of the images.</param>
    /// <exception cref="SchaneException">A column is missing, or a score is no number.</exception>
    public static ReportSection? Of(string path, Thumbnails thumbnails)
    {
        if (!File.Exists(path))
            return null;
        var records = TextTable.Csv(path).ToList();
        if (records.Count == 0)
            throw new SchaneException($"'{Printable.Escape(path)}' is empty; it must have the columns path, label, suggested, score and rank.");
        var (image, label, suggested, score, rank) = (Column("path"), Column("label"), Column("suggested"), Column("score"), Column("rank"));
        var rows = records.Skip(1).Select(record => record.Fields.Count == records[0].Fields.Count
            ? (Fields: (IReadOnlyList<string>)record.Fields, Rank: Number(record, rank), Score: Number(record, score))
            : throw new SchaneException($"'{Printable.Escape(path)}', line {record.Line}: there are {record.Fields.Count} fields; the heading has {records[0].Fields.Count}.")).OrderBy(row => row.Rank).ToArray();
        if (rows.Length == 0)
            return new("label-errors", "Suspected label errors", Html.Of($"<p>No label looks wrong.</p>"));
        var cards = rows.Take(Shown).Select(row => Gallery.Card(
            [Gallery.Picture(Picture(row.Fields[image]), row.Fields[image])],
            Html.Of($"{Html.Name(row.Fields[label])} <span class=\"quiet\">or rather</span> {Html.Name(row.Fields[suggested])}"),
            Html.Of($"<span class=\"quiet\">score {Quantity.Number(row.Score)}</span>"),
            Html.Of($"<span class=\"quiet file\">{Html.Name(row.Fields[image])}</span>")));
        var all = rows.Length > Shown ? $"The first {Shown} of {Quantity.Count(rows.Length)} images" : rows.Length == 1 ? "One image" : $"{Quantity.Count(rows.Length)} images";
        return new("label-errors", "Suspected label errors", Html.Of($"""
            <p>{all} whose neighbours contradict the label, the most suspect first. Look before you believe: keep the lines of <code>{Path.GetFileName(path)}</code> that are right, and train again with <code>--relabel</code> or <code>--exclude</code>; your files stay as they are.</p>
            {Gallery.Of("Suspected label errors", cards, narrow: true)}
            """));

        int Column(string name) => records[0].Fields.IndexOf(name) is >= 0 and var place ? place
            : throw new SchaneException($"'{Printable.Escape(path)}' must have the columns path, label, suggested, score and rank but lacks '{name}'.");

        double Number((int Line, List<string> Fields) record, int column) => double.TryParse(record.Fields[column], CultureInfo.InvariantCulture, out var value) ? value
            : throw new SchaneException($"'{Printable.Escape(path)}', line {record.Line}: '{Printable.Escape(record.Fields[column])}' stands where a number is expected.");

        byte[]? Picture(string name) => ((string[])["train", "val", "test"]).Select(part => thumbnails.Find(part, name)).FirstOrDefault(found => found is not null);
    }
}
