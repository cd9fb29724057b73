using System.Text.Json;

namespace Schane.Reporting;

/// <summary>One self-contained page: all it needs stands in it, and its policy forbids every request.</summary>
internal static class ReportPage
{
    public static string Render(string title, Html header, IReadOnlyList<ReportSection> sections)
    {
        var figures = sections.SelectMany(section => section.Figures).ToDictionary(figure => figure.Id, figure => figure);
        var plotly = figures.Count > 0 ? PageParts.Plotly : "";
        // The default encoder writes < > & and ' as escapes, so that no name can end the script element.
        var data = JsonSerializer.Serialize(figures);
        var page = Html.Of($$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="{{Policy(plotly)}}">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <meta name="generator" content="Schane">
            <link rel="icon" href="data:,">
            <title>{{title}}</title>
            <style>
            {{Html.Trusted(PageParts.Style)}}</style>
            </head>
            <body>
            <header class="page">
            {{header}}
            {{Contents(sections)}}
            </header>
            <main>
            {{Html.Join(sections.Select(Show))}}</main>
            <noscript><p class="page">The charts on this page need JavaScript; all tables and numbers stand without it.</p></noscript>
            <script type="application/json" id="figures">{{Html.Trusted(data)}}</script>

            """);
        return page + $"{Script(plotly)}{Script(PageParts.Script)}</body>\n</html>\n";
    }

    private static string Policy(string plotly) =>
        $"default-src 'none'; script-src {(plotly.Length > 0 ? PageParts.Hash(plotly) + " " : "")}{PageParts.Hash(PageParts.Script)}; " +
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

    private static string Script(string text) => text.Length > 0 ? $"<script>{text}</script>\n" : "";

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
