namespace Schane.Reporting.Labels;

/// <summary>An image of the contact sheet.</summary>
/// <param name="Image">What it is called.</param>
/// <param name="Answers">The most probable classes with their probabilities, in words.</param>
/// <param name="IsUnknown">Whether it is unlike all that the model knows.</param>
/// <param name="Picture">A small WebP of it.</param>
internal sealed record SuggestedImage(string Image, IReadOnlyList<string> Answers, bool IsUnknown, byte[] Picture);

/// <summary>The contact sheet of the images to label next: one file, without a script.</summary>
internal static class SuggestionPage
{
    /// <param name="images">The first to be labelled first.</param>
    /// <param name="all">How many were chosen; the sheet may show fewer.</param>
    /// <param name="how">How they were chosen, in words.</param>
    /// <param name="run">The run's name.</param>
    public static string Render(IReadOnlyList<SuggestedImage> images, int all, string how, string run) =>
        ReportPage.Document($"To label next for {run}", PageParts.Style, [], ("suggestions", "[]"), Html.Of($"""
            <header class="page">
            <h1>Images to label next</h1>
            <p class="sub">Chosen for {run}: {how}. The first are to be labelled first; each stands with what the model takes it
            for.{(images.Count < all ? $" The first {images.Count} of {all} are shown." : "")}</p>
            </header>
            <main>
            {Gallery.Of("Images to label next", images.Select((image, i) => Gallery.Card([Gallery.Thumbnail(image.Picture, image.Image)],
                [
                    Html.Of($"{i + 1}. {(image.IsUnknown ? "unknown, nearest to " : "")}{image.Answers[0]}"),
                    .. image.Answers.Skip(1).Select(answer => Html.Of($"<span class=\"quiet\">or {answer}</span>")),
                    Html.Of($"<span class=\"file quiet\">{image.Image}</span>"),
                ])))}
            </main>

            """));
}
