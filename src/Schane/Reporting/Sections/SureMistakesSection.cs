namespace Schane.Reporting.Sections;

/// <summary>The mistakes that the model was surest of, and right answers beside them.</summary>
internal static class SureMistakesSection
{
    public static ReportSection? Of(RunImages? images)
    {
        if (images is not { Mistakes.Length: > 0 })
            return null;
        var mistakes = images.Mistakes.Select(row => (Row: row, Answer: images.Answer(row)!)).Select(one => Card(images, one.Row,
            Html.Of($"{Html.Name(images.Class(one.Row))} <span class=\"quiet\">taken for</span> {Html.Name(one.Answer.Predicted)}")));
        return new("sure-mistakes", "Surest mistakes", Html.Of($"""
            <p>Wrong answers of the greatest confidence; at most {SurestMistakes.OfOneKind} of one kind.</p>
            {Gallery.Of("Surest mistakes", mistakes, narrow: true)}
            """));
    }

    public static ReportSection? Right(RunImages? images) => images is not { JustRight.Length: > 0 } ? null
        : new("just-right", "Just right", Html.Of($"""
            <p>Of each class the right answer that the model was least sure of.</p>
            {Gallery.Of("Just right", images.JustRight.Select(row => Card(images, row, Html.Name(images.Class(row)))), narrow: true)}
            """));

    private static Html Card(RunImages images, int row, Html words) => Gallery.Card(
        [Gallery.Thumbnail(images.Thumbnail(row), images.Name(row))], words,
        Html.Of($"<span class=\"quiet\">{Quantity.Percent(images.Answer(row)!.Confidence)} sure</span>"));
}
