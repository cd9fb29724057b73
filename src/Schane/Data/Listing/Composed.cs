using System.Globalization;
using System.Text;

namespace Schane.Data.Listing;

/// <summary>
/// Puts letters and their combining marks together, as Unicode's form C does: without ICU, which the program does not need,
/// <see cref="string.Normalize()"/> changes nothing. <c>Compositions.txt</c> has a line for each mark: its code, then pairs of a letter and
/// the letter with the mark (the canonical compositions of two characters in Unicode 15's UnicodeData.txt).
/// </summary>
internal static class Composed
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7, Leads = 19, Vowels = 21, Tails = 28;

    private static readonly Lazy<Dictionary<(char, char), char>> Pairs = new(Load);

    /// <summary>The text with every mark put together with the letter before it, where there is such a letter.</summary>
    public static string Of(string text)
    {
        if (text.All(c => c < 0x300))
            return text;
        var composed = new StringBuilder(text.Length);
        var letter = -1;                                                  // where the last letter that can take a mark stands
        foreach (var c in text)
            if (letter >= 0 && Together(composed[letter], c) is { } whole)
                composed[letter] = whole;
            else
            {
                if (CharUnicodeInfo.GetUnicodeCategory(c) is not UnicodeCategory.NonSpacingMark)
                    letter = composed.Length;
                composed.Append(c);
            }
        return composed.ToString();
    }

    private static char? Together(char letter, char mark)
    {
        var (lead, vowel) = (letter - LeadBase, mark - VowelBase);
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels)
            return (char)(HangulBase + (lead * Vowels + vowel) * Tails);
        var (syllable, tail) = (letter - HangulBase, mark - TailBase);
        if (syllable is >= 0 and < Leads * Vowels * Tails && syllable % Tails == 0 && tail is > 0 and < Tails)
            return (char)(letter + tail);
        return Pairs.Value.TryGetValue((letter, mark), out var whole) ? whole : null;
    }

    private static Dictionary<(char, char), char> Load()
    {
        using var reader = new StreamReader(typeof(Composed).Assembly.GetManifestResourceStream("Schane.Compositions.txt")!);
        Dictionary<(char, char), char> pairs = [];
        while (reader.ReadLine() is { } line)
            for (var i = 5; i < line.Length; i += 2)
                pairs[(line[i], (char)int.Parse(line.AsSpan(0, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture))] = line[i + 1];
        return pairs;
    }
}
