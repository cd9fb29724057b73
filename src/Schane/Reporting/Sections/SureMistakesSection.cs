namespace Schane.Reporting.Sections;

/// <summary>The mistakes that the model was surest of, and right answers beside them.</summary>
internal static class SureMistakesSection
{
    public static ReportSection? Of(RunImages? images)
    {
        if (images is not { Mistakes.Length: > 0 })
            return null;
        var explained = images.Mistakes.Any(row => images.Activation(row) is not null);
        var mistakes = images.Mistakes.Select(row => Gallery.Card(
            explained ? [Thumbnail(images, row), Gallery.Thumbnail(images.Activation(row), $"{images.Name(row)}, where it was seen")]
                : [Thumbnail(images, row)],
            Html.Of($"{Html.Name(images.Class(row))} <span class=\"quiet\">taken for</span> {Html.Name(images.Answer(row)!.Predicted)}"),
            Sure(images, row)));
        return new("sure-mistakes", "Surest mistakes", Html.Of($"""
            <p>Wrong answers of the greatest confidence; at most {SurestMistakes.OfOneKind} of one
            kind.{(explained ? " In orange: where the model saw the class that it took the image for." : "")}</p>
            {Gallery.Of("Surest mistakes", mistakes, narrow: !explained)}
            """));
    }

    public static ReportSection? Right(RunImages? images) => images is not { JustRight.Length: > 0 } ? null
        : new("just-right", "Just right", Html.Of($"""
            <p>Of each class the right answer that the model was least sure of.</p>
            {Gallery.Of("Just right", images.JustRight.Select(row => Gallery.Card([Thumbnail(images, row)], Html.Name(images.Class(row)),
                Sure(images, row))), narrow: true)}
            """));

    private static Html Thumbnail(RunImages images, int row) => Gallery.Thumbnail(images.Thumbnail(row), images.Name(row));

    private static Html Sure(RunImages images, int row) =>
        Html.Of($"<span class=\"quiet\">{Quantity.Percent(images.Answer(row)!.Confidence)} sure</span>");
}
