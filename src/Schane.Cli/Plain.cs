using System.Globalization;
using System.Text;

namespace Schane.Cli;

/// <summary>Names from disks and files made safe to print: nothing in them can move a cursor, break a line or turn text around.</summary>
internal static class Plain
{
    /// <summary>The text with control, format and unpaired characters written out as <c>\x1b</c> or <c>\u202e</c>.</summary>
    public static string Text(string text)
    {
        if (text.All(IsHarmless))
            return text;
        var safe = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]))
                safe.Append(c).Append(text[++i]);
            else
                safe.Append(c switch { '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", _ when IsHarmless(c) => c.ToString(), < (char)256 => $"\\x{(int)c:x2}", _ => $"\\u{(int)c:x4}" });
        }
        return safe.ToString();
    }

    private static bool IsHarmless(char c) => char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);
}
