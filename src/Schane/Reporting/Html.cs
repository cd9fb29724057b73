using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Schane.Reporting;

/// <summary>A piece of markup. Made by <see cref="Of"/>, whose holes are encoded, so that no name from a data
/// set can become markup.</summary>
internal readonly record struct Html
{
    private readonly string? markup;

    private Html(string markup) => this.markup = markup;

    /// <summary>Nothing: what a section gives when its data are missing.</summary>
    public static Html Empty => default;

    public bool IsEmpty => string.IsNullOrEmpty(markup);

    /// <summary>The text as it is, every hole in it encoded except those that are markup themselves.</summary>
    public static Html Of(Holes text) => new(text.ToString());

    /// <summary>A text of Schane's own, taken as it is. It must never hold a name from outside.</summary>
    public static Html Trusted(string markup) => new(markup);

    /// <summary>The name of a class or file, of which a table shows no more than three lines.</summary>
    public static Html Name(string name) => name.Length > 60 ? Of($"<span class=\"name\" title=\"{name}\">{name}</span>") : Of($"{name}");

    /// <summary>Pieces one after the other.</summary>
    public static Html Join(IEnumerable<Html> pieces) => new(string.Concat(pieces.Select(piece => piece.markup)));

    public override string ToString() => markup ?? "";

    /// <summary>Collects the literal parts as they are and the holes encoded.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Holes(int literalLength, int formattedCount)
    {
        private static readonly HtmlEncoder encoder = HtmlEncoder.Create(UnicodeRanges.All);

        private readonly StringBuilder text = new(literalLength + 16 * formattedCount);

        public void AppendLiteral(string value) => text.Append(value);

        public void AppendFormatted(Html value) => text.Append(value.markup);

        public void AppendFormatted(string? value) => text.Append(encoder.Encode(Printable.Escape(value ?? "")));

        public void AppendFormatted(long value) => text.Append(value);

        public override string ToString() => text.ToString();
    }
}
