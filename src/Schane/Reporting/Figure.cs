using System.Text.Json.Serialization;

namespace Schane.Reporting;

/// <summary>A chart: what plotly.js draws, and a text for readers who can't see it.</summary>
/// <param name="Id">Its name in the page.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Summary">What is to be seen in it, in a sentence.</param>
/// <param name="Height">Pixels.</param>
internal sealed record Figure([property: JsonIgnore] string Id, [property: JsonIgnore] string Title,
    [property: JsonIgnore] string Summary, int Height)
{
    /// <summary>plotly.js traces. A colour that begins with @ is a custom property of the style sheet, so that light and dark
    /// are the same figure.</summary>
    public IReadOnlyList<object> Data { get; init; } = [];

    /// <summary>What differs from the page's plain layout.</summary>
    public object Layout { get; init; } = new { };

    /// <summary>Cells of a confusion matrix, from which the page makes the traces.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? Confusion { get; init; }

    /// <summary>Points of a map, from which the page makes the traces.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? Map { get; init; }

    /// <summary>As markup; <paramref name="note"/> stands below the title.</summary>
    public Html Show(Html note = default) => Html.Of($"""
        <figure>
        <figcaption><h3>{Title}</h3>{(note.IsEmpty ? note : Html.Of($"<p class=\"note\">{note}</p>"))}</figcaption>
        <div class="chart" data-figure="{Id}" role="img" aria-label="{Title}. {Summary}"></div>
        </figure>

        """);

    /// <summary>A name as plotly.js must be given it to show it as it is: it takes a little markup in its texts, and knows
    /// these three entities.</summary>
    public static string Text(string name, int longest = 40)
    {
        var text = Printable.Escape(name);
        if (text.Length > longest)
            text = string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[longest - 2]) ? longest - 2 : longest - 1), "…");
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);
    }
}
