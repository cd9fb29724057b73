using System.Globalization;
using System.Text;

namespace Schane;

/// <summary>Makes file and class names safe to print: control characters, line breaks and direction marks are written as escapes.</summary>
internal static class Printable
{
    /// <summary>The name as it can be shown in one line of text. Markup is not escaped.</summary>
    public static string Escape(string name)
    {
        if (name.All(c => c >= ' ' && c < 0x7F))
            return name;
        var text = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            var paired = char.IsHighSurrogate(c) && i + 1 < name.Length && char.IsLowSurrogate(name[i + 1]);
            if (paired)
                text.Append(c).Append(name[++i]);
            else if (char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
                     or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                text.Append(c switch { '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\u001b' => "\\e", _ => $"\\u{(int)c:x4}" });
            else
                text.Append(c);
        }
        return text.ToString();
    }

    /// <summary>The same of a text from a file that may be of any length: the first 80 characters.</summary>
    internal static string Short(string name) => name.Length > 80 ? $"{Escape(name[..80])}…" : Escape(name);
}
