using Schane.Evaluation;
using Schane.Runs;

namespace Schane.Reporting.SideBySide;

/// <summary>Two runs side by side as one HTML file: what each got right that the other didn't.</summary>
internal static class PairedReport
{
    /// <summary>Images shown of each kind.</summary>
    private const int Shown = 24;

    /// <summary>Writes the page.</summary>
    /// <param name="first">A run.</param>
    /// <param name="second">Another.</param>
    /// <param name="htmlFile">Where to.</param>
    /// <param name="keeper">Keeps what the first run has not of the images that are shown; null: they have none.</param>
    /// <exception cref="SchaneException">A run is not finished, their images differ, or the page can't be written.</exception>
    public static PairedAnswers Write(RunFolder first, RunFolder second, string htmlFile, IImageKeeper? keeper = null)
    {
        var (one, other) = (RunResults.Load(first.Results), RunResults.Load(second.Results));
        if (one.IsMultiLabel || other.IsMultiLabel)
            throw new SchaneException($"'{(one.IsMultiLabel ? first : second).Root}' may name several classes of an image, so no answer " +
                "of it is right or wrong as a whole; lay the pages of both runs side by side.");
        var answers = PairedAnswers.Of(first, second);
        var (part, otherPart) = (RunImages.PartOf(one.Part), RunImages.PartOf(other.Part));
        byte[]? Thumbnail(string image) =>
            new Thumbnails(first.Thumbnails).Find(part, image) ?? new Thumbnails(second.Thumbnails).Find(otherPart, image);
        PredictedItem[] shown = [.. Surest(answers.OnlyFirst.Select(i => i.Second)), .. Surest(answers.OnlySecond.Select(i => i.First)),
            .. Surest(answers.Neither.Select(i => i.First))];
        keeper?.KeepThumbnails(part, [.. shown.Select(item => item.Image).Where(image => Thumbnail(image) is null)]);
        ReportSection?[] sections =
        [
            new("answer", "In short", Html.Of($"<p class=\"lead\">{answers.Sentence}</p>{Figures(answers, one, other)}")),
            Gallery("only-first", $"Only {answers.First} is right", answers.OnlyFirst, i => i.Second, answers.Second, Thumbnail),
            Gallery("only-second", $"Only {answers.Second} is right", answers.OnlySecond, i => i.First, answers.First, Thumbnail),
            Gallery("neither", "Neither is right", answers.Neither, i => i.First, answers.First, Thumbnail),
            Classes(answers),
        ];
        var title = $"{answers.First} beside {answers.Second}";
        ReportFiles.Write(htmlFile, ReportPage.Render(title, Html.Of($"""
            <h1>{title}</h1>
            <p class="sub">{one.Data} · {Quantity.Of(answers.Items.Count, "image", "images")}
            of the {HeadlineSection.PartName(one.Part)} part</p>
            """), [.. sections.OfType<ReportSection>()]));
        return answers;
    }

    private static Html Figures(PairedAnswers answers, RunResults one, RunResults other)
    {
        var rows = one.Metrics.Keys.Where(key => other.Metrics.Find(key) is not null && one.Metrics.Find(key) is not null
                && !key.EndsWith("_low", StringComparison.Ordinal) && !key.EndsWith("_high", StringComparison.Ordinal))
            .Select(Metric.Of).OrderBy(metric => metric.Rank).Select(metric => Html.Of($"""
                <tr><th scope="row">{metric.Label}</th><td class="number">{metric.Show(one.Metrics.Find(metric.Key))}</td>
                <td class="number">{metric.Show(other.Metrics.Find(metric.Key))}</td></tr>

                """));
        return Html.Of($"""
            <div class="scroll" role="region" aria-label="Metrics of both runs" tabindex="0">
            <table id="metrics">
            <thead><tr><th scope="col">Metric</th><th scope="col" class="number">{answers.First}</th>
            <th scope="col" class="number">{answers.Second}</th></tr></thead>
            <tbody>
            {Html.Join(rows)}</tbody>
            </table>
            </div>
            """);
    }

    private static IEnumerable<PredictedItem> Surest(IEnumerable<PredictedItem> items) =>
        items.OrderByDescending(item => double.IsFinite(item.Confidence) ? item.Confidence : 0).Take(Shown);

    private static ReportSection? Gallery(string id, string title, IReadOnlyList<(PredictedItem First, PredictedItem Second)> items,
        Func<(PredictedItem First, PredictedItem Second), PredictedItem> wrong, string mistaken, Func<string, byte[]?> thumbnail)
    {
        if (items.Count == 0)
            return null;
        var cards = Surest(items.Select(wrong))
            .Select(item => Reporting.Gallery.Card([Reporting.Gallery.Thumbnail(thumbnail(item.Image), item.Image)],
                Html.Name(item.Label), Html.Of($"<span class=\"quiet\">taken for</span> {Html.Name(item.Predicted)}")));
        var some = items.Count > Shown ? $"The {Shown} of {Quantity.Count(items.Count)} that {mistaken} was surest of, and"
            : $"{Quantity.Of(items.Count, "image", "images")}, and";
        return new(id, title, Html.Of($"""
            <p>{some} what {mistaken} took them for.</p>
            {Reporting.Gallery.Of(title, cards, narrow: true)}
            """));
    }

    private static ReportSection Classes(PairedAnswers answers)
    {
        var rows = answers.Items.GroupBy(item => item.First.Label).Select(same => (Class: same.Key, Images: same.Count(),
                First: same.Count(i => i.First.Right), Second: same.Count(i => i.Second.Right)))
            .OrderByDescending(row => Math.Abs(row.First - row.Second)).ThenBy(row => row.Class, StringComparer.Ordinal)
            .Select(row => Html.Of($"""
                <tr><th scope="row">{Html.Name(row.Class)}</th>{ClassSection.Number(Quantity.Count(row.Images), row.Images)}
                {ClassSection.Number(Quantity.Count(row.First), row.First)}{ClassSection.Number(Quantity.Count(row.Second), row.Second)}
                {ClassSection.Number($"{row.First - row.Second:+0;−0;0}", row.First - row.Second)}</tr>

                """));
        return new("classes", "Classes", Html.Of($"""
            <p class="note">Images of each class that the runs name rightly; a heading sorts by its column.</p>
            <div class="scroll tall" role="region" aria-label="Table of classes" tabindex="0">
            <table id="classes-table" class="sortable">
            <thead><tr>{ClassSection.Heading("Class", false)}{ClassSection.Heading("Images", true)}
            {ClassSection.Heading(answers.First, true)}{ClassSection.Heading(answers.Second, true)}
            {ClassSection.Heading("Difference", true)}</tr></thead>
            <tbody>
            {Html.Join(rows)}</tbody>
            </table>
            </div>
            """));
    }
}
