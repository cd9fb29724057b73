using System.Globalization;
using System.Text;
using Schane.Data.Reading;

namespace Schane.Jobs.Labels;

/// <summary>An image to be labelled.</summary>
/// <param name="Rank">From 1, the first to be labelled.</param>
/// <param name="Image">Its path.</param>
/// <param name="Class">What the model takes it for.</param>
/// <param name="Probability">How sure it is, 0 to 1.</param>
/// <param name="Second">The next class; null where there is one alone.</param>
/// <param name="SecondProbability">Its probability.</param>
/// <param name="Unknown">Whether it is farther from the training images than 95 % of the held-out images.</param>
internal sealed record Suggestion(int Rank, string Image, string Class, double Probability, string? Second, double? SecondProbability,
    bool Unknown);

/// <summary>What <see cref="SuggestJob"/> found.</summary>
/// <param name="Method">How the images were chosen: <c>margin</c>, <c>badge</c>, <c>typical</c> or <c>random</c>.</param>
/// <param name="Suggestions">The first to be labelled first.</param>
/// <param name="Images">Images that were looked at.</param>
/// <param name="Labelled">How many of them the run has a label for.</param>
/// <param name="Copies">How many of the others are copies of another.</param>
/// <param name="Problems">Why images could not be read, one sentence each.</param>
/// <param name="Page">The contact sheet, where one was wanted.</param>
/// <param name="Links">The folder of links, where one was wanted.</param>
internal sealed record SuggestReport(string Method, IReadOnlyList<Suggestion> Suggestions, int Images, int Labelled, int Copies,
    IReadOnlyList<string> Problems, string? Page, string? Links)
{
    /// <summary>A line an image; the columns image and class are those of a list that <c>schane train</c> takes.</summary>
    public string Csv()
    {
        var text = new StringBuilder("rank,image,class,probability,second,second_probability,unknown\n");
        foreach (var s in Suggestions)
            text.Append(CultureInfo.InvariantCulture, $"{s.Rank},{TextTable.Quoted(s.Image)},{TextTable.Quoted(s.Class)}," +
                $"{s.Probability:0.######},{TextTable.Quoted(s.Second ?? "")},{s.SecondProbability:0.######},{(s.Unknown ? "yes" : "")}\n");
        return text.ToString();
    }
}
