using Schane.Runs;

namespace Schane.Reporting.Sections;

/// <summary>What was taken for what: the matrix, and the mistakes that happen most in words.</summary>
internal static class ConfusionSection
{
    /// <summary>How many kinds of mistakes are listed.</summary>
    private const int Listed = 12;

    /// <summary>How many classes a matrix holds in which cells can still be told apart.</summary>
    private const int Drawn = 120;

    /// <summary>How many classes a matrix holds whose cells have room for their counts.</summary>
    private const int Counted = 20;

    public static ReportSection? Of(RunResults? results)
    {
        if (results is not { Classes: { Count: > 1 } classes, Confusion: { } counts })
            return null;
        var matrix = ConfusionMatrix.Of(classes, counts);
        var drawn = classes.Count > Drawn && matrix.Mistakes.Count > 0 ? matrix.Worst(Drawn) : matrix;
        var greatest = drawn.Mistakes.Count > 0 ? drawn.Mistakes.Max(mistake => mistake.Share) : 0;
        var figure = new Figure("confusion", "Confusion matrix", Summary(matrix), 640)
        {
            Confusion = new
            {
                classes = drawn.Classes.Select(name => Figure.Text(name, 80)),
                labels = drawn.Classes.Select(name => Figure.Text(name, 24)),
                order = drawn.Neighbours(),
                images = drawn.Classes.Select((_, truth) => drawn.Images(truth)),
                counted = drawn.Classes.Length <= Counted,
                cells = drawn.Cells().Select(cell => new[] { cell.Truth, cell.Taken, cell.Count }),
                greatest = Math.Round(greatest, 4),
            },
        };
        return new("mistakes", "Mistakes", Html.Of($"""
            <div class="split">
            <div>{figure.Show(Legend(greatest, drawn.Classes.Length, classes.Count))}
            <p class="control"><label><input type="checkbox" id="neighbours" checked>
            Put classes that are mistaken for each other side by side</label></p></div>
            {Worst(matrix)}
            </div>
            """), figure);
    }

    private static string Summary(ConfusionMatrix matrix) => matrix.Mistakes.Count == 0
        ? "No image was mistaken."
        : $"{Quantity.Of(matrix.Errors, "mistake", "mistakes")} of {Quantity.Of(matrix.Mistakes.Count, "kind", "kinds")}; the most " +
            "frequent are listed beside the chart.";

    private static Html Legend(double greatest, int drawn, int classes) => Html.Of($"""
        {(drawn < classes ? Html.Of($"Those {drawn} of the {Quantity.Count(classes)} classes that are mistaken most. ") : Html.Empty)}
        Rows are the true classes.
        Share of a class’s images: rightly named <span class="ramp right"></span> 0 to 100{"\u202f"}%{Wrong(greatest)}.
        """);

    private static Html Wrong(double greatest) => greatest > 0
        ? Html.Of($""", mistaken <span class="ramp wrong"></span> 0 to {Quantity.Percent(greatest, 0)}""") : Html.Empty;

    private static Html Worst(ConfusionMatrix matrix)
    {
        if (matrix.Mistakes.Count == 0)
            return Html.Of($"<p>No image was mistaken.</p>");
        var rows = matrix.Mistakes.Take(Listed).Select(mistake => Html.Of($"""
            <tr><td>{Html.Name(matrix.Classes[mistake.Truth])}</td><td>{Html.Name(matrix.Classes[mistake.Taken])}</td>
            <td class="number">{mistake.Count}</td><td class="number">{Quantity.Percent(mistake.Share, 0)}</td>
            <td class="number minor">{matrix.Count(mistake.Taken, mistake.Truth)}</td></tr>

            """));
        var covered = matrix.Mistakes.Take(Listed).Sum(mistake => (long)mistake.Count);
        var note = matrix.Mistakes.Count > Listed
            ? Html.Of($"These {Listed} kinds make up {Quantity.Percent((double)covered / matrix.Errors, 0)} of all " +
                $"{Quantity.Of(matrix.Errors, "mistake", "mistakes")}.")
            : Html.Of($"All {Quantity.Of(matrix.Errors, "mistake", "mistakes")}.");
        return Html.Of($"""
            <div>
            <h3>Worst pairs</h3>
            <p class="note">{note}</p>
            <div class="scroll" role="region" aria-label="Worst pairs" tabindex="0">
            <table id="worst-pairs">
            <thead><tr><th scope="col">True class</th><th scope="col">Taken for</th>
            <th scope="col" class="number">Times</th><th scope="col" class="number">Of class</th>
            <th scope="col" class="number minor">Reverse</th></tr></thead>
            <tbody>
            {Html.Join(rows)}</tbody>
            </table>
            </div>
            </div>
            """);
    }
}
