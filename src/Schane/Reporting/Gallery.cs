namespace Schane.Reporting;

/// <summary>Images with a few words each.</summary>
internal static class Gallery
{
    /// <summary>The cards side by side; narrow ones hold one image.</summary>
    public static Html Of(string label, IEnumerable<Html> cards, bool narrow = false) => Html.Of($"""
        <ul class="{(narrow ? "gallery narrow" : "gallery")}" aria-label="{label}">
        {Html.Join(cards)}</ul>

        """);

    /// <summary>One card: images, then lines of words.</summary>
    public static Html Card(IReadOnlyList<Html> pictures, params IReadOnlyList<Html> lines) => Html.Of($"""
        <li><div class="images">{Html.Join(pictures)}</div>{Html.Join(lines.Select(line => Html.Of($"<p>{line}</p>")))}</li>

        """);

    /// <summary>A thumbnail with the name of its image; a blank of the same size where none is kept.</summary>
    public static Html Thumbnail(byte[]? webp, string name) => webp is null
        ? Html.Of($"<span class=\"blank\" title=\"{name}\"></span>")
        // Base64 knows no sign that markup knows.
        : Html.Of($"<img src=\"{Html.Trusted(Address(webp))}\" alt=\"{name}\" title=\"{name}\">");

    /// <summary>A WebP image as an address.</summary>
    public static string Address(byte[] webp) => "data:image/webp;base64," + Convert.ToBase64String(webp);
}
