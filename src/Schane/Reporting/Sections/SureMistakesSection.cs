namespace Schane.Reporting.Sections;

/// <summary>The mistakes that the model was surest of.</summary>
internal static class SureMistakesSection
{
    public static ReportSection? Of(RunImages? images)
    {
        if (images is not { Mistakes.Length: > 0 })
            return null;
        var cards = images.Mistakes.Select(row => (Row: row, Answer: images.Answer(row)!)).Select(one => Gallery.Card(
            [Gallery.Thumbnail(images.Thumbnail(one.Row), images.Name(one.Row))],
            Html.Of($"{Html.Name(images.Class(one.Row))} <span class=\"quiet\">taken for</span> {Html.Name(one.Answer.Predicted)}"),
            Html.Of($"<span class=\"quiet\">{Quantity.Percent(one.Answer.Confidence)} sure</span>")));
        return new("sure-mistakes", "Surest mistakes", Html.Of($"""
            <p>Wrong answers of the greatest confidence, before calibration; at most {RunImages.OfOneKind} of one kind.</p>
            {Gallery.Of("Surest mistakes", cards, narrow: true)}
            """));
    }
}
