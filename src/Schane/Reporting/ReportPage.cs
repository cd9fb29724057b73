using System.Text.Json;

namespace Schane.Reporting;

/// <summary>One self-contained page: all it needs stands in it, and its policy forbids every request.</summary>
internal static class ReportPage
{
    public static string Render(string title, Html header, IReadOnlyList<ReportSection> sections)
    {
        var figures = sections.SelectMany(section => section.Figures).ToDictionary(figure => figure.Id, figure => figure);
        // The default encoder writes < > & and ' as escapes, so that no name can end the script element.
        var data = JsonSerializer.Serialize(figures);
        return Document(title, PageParts.Style, [.. figures.Count > 0 ? [PageParts.Plotly] : (string[])[], PageParts.Script],
            ("figures", data), Html.Of($"""
            <header class="page">
            {header}
            {Contents(sections)}
            </header>
            <main>
            {Html.Join(sections.Select(Show))}</main>
            <noscript><p class="page">The charts on this page need JavaScript; all tables and numbers stand without it.</p></noscript>

            """));
    }

    /// <summary>A page of one file.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="style">Its style sheet.</param>
    /// <param name="scripts">Its scripts, which run in this order and are all that may run.</param>
    /// <param name="data">JSON for the scripts and the id of its element, in which no &lt; stands.</param>
    /// <param name="body">What it shows.</param>
    public static string Document(string title, string style, IReadOnlyList<string> scripts, (string Id, string Json) data, Html body)
    {
        var policy = $"default-src 'none'; script-src {string.Join(' ', scripts.Select(PageParts.Hash))}; style-src 'unsafe-inline'; " +
            "img-src data:; base-uri 'none'; form-action 'none'";
        var page = Html.Of($$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{{Html.Trusted(policy)}}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <meta name="generator" content="Schane">
            <link rel="icon" href="data:,">
            <title>{{title}}</title>
            <style>
            {{Html.Trusted(style)}}</style>
            </head>
            <body>
            {{body}}<script type="application/json" id="{{data.Id}}">{{Html.Trusted(data.Json)}}</script>

            """);
        return page + $"{string.Concat(scripts.Select(script => $"<script>{script}</script>\n"))}</body>\n</html>\n";
    }

    private static Html Contents(IReadOnlyList<ReportSection> sections) => sections.Count < 2 ? Html.Empty : Html.Of($"""
        <nav aria-label="Contents"><ul>
        {Html.Join(sections.Select(section => Html.Of($"<li><a href=\"#{section.Id}\">{section.Title}</a></li>")))}</ul></nav>
        """);

    private static Html Show(ReportSection section) => Html.Of($"""
        <section id="{section.Id}" aria-labelledby="{section.Id}-title">
        <h2 id="{section.Id}-title">{section.Title}</h2>
        {section.Body}
        </section>

        """);
}
