namespace Schane.Reporting.Sections;

/// <summary>The images of different classes that look most alike to the model.</summary>
internal static class PairsSection
{
    public static ReportSection? Of(RunImages? images)
    {
        if (images is not { Pairs.Count: > 0 })
            return null;
        var cards = images.Pairs.Select(pair => Gallery.Card(
            [Gallery.Thumbnail(images.Thumbnail(pair.First), images.Name(pair.First)),
                Gallery.Thumbnail(images.Thumbnail(pair.Second), images.Name(pair.Second))],
            Html.Of($"{Html.Name(images.Class(pair.First))} <span class=\"quiet\">and</span> {Html.Name(images.Class(pair.Second))}"),
            Html.Of($"<span class=\"quiet\">cosine {pair.Cosine.ToString("0.000")}</span>")));
        return new("pairs", "Hardest negative pairs", Html.Of($"""
            <p>The images of different classes that lie closest together, among all {Quantity.Of(images.Set.Count, "image", "images")}
            of the {HeadlineSection.PartName(images.Part)} part; an image stands in one pair only.
            Two that show the same thing may be a wrong label.</p>
            {Gallery.Of("Hardest negative pairs", cards)}
            """));
    }
}
