using Schane.Runs;

namespace Schane.Reporting;

/// <summary>A table of all classes, worst first, that sorts by any column.</summary>
internal static class ClassSection
{
    /// <summary>Number of classes from which the page has a search box.</summary>
    private const int Findable = 25;

    public static ReportSection? Of(RunResults? results)
    {
        if (results?.PerClass is not { Count: > 0 } classes)
            return null;
        if (results.IsMultiLabel)
            return Several(classes);
        var taken = MostTakenFor(results);
        var recall = classes.Any(one => Math.Abs(one.Recall - one.Accuracy) > 1e-6);
        var rows = classes.OrderBy(one => Quantity.Finite(one.Accuracy) ?? 2)
            .ThenBy(one => one.Class, StringComparer.Ordinal).Select(one => Html.Of($"""
            <tr><th scope="row">{Html.Name(one.Class)}</th>{Number(Quantity.Count(one.Images), one.Images)}{Bar(one.Accuracy)}
            {Share(one.Precision)}{(recall ? Share(one.Recall) : Html.Empty)}
            {(taken is null ? Html.Empty : Taken(taken.GetValueOrDefault(one.Class)))}</tr>

            """));
        return Table(classes, Html.Of($"""
            {Heading("Class", false)}{Heading("Images", true)}{Heading("Accuracy", true, sorted: true)}
            {Heading("Precision", true)}{(recall ? Heading("Recall", true) : Html.Empty)}
            {(taken is null ? Html.Empty : Heading("Most often taken for", false))}
            """), Html.Join(rows));
    }

    /// <summary>Each class by itself, where images may show several.</summary>
    private static ReportSection Several(IReadOnlyList<ClassResult> classes) => Table(classes, Html.Of($"""
        {Heading("Class", false)}{Heading("Images", true)}{Heading("Average precision", true, sorted: true)}{Heading("F1", true)}
        {Heading("Recall", true)}{Heading("Precision", true)}{Heading("Threshold", true)}
        """), Html.Join(classes.OrderBy(one => one.AveragePrecision ?? 2).ThenBy(one => one.Class, StringComparer.Ordinal)
            .Select(one => Html.Of($"""
            <tr><th scope="row">{Html.Name(one.Class)}</th>{Number(Quantity.Count(one.Images), one.Images)}{Bar(one.AveragePrecision)}
            {Share(one.F1)}{Share(one.Recall)}{Share(one.Precision)}{Number(Quantity.Number(one.Threshold), one.Threshold)}</tr>

            """))));

    private static ReportSection Table(IReadOnlyList<ClassResult> classes, Html headings, Html rows)
    {
        var find = classes.Count >= Findable
            ? Html.Of($"""<p class="control"><label>Find a class <input type="search" id="find-class" autocomplete="off"></label></p>""")
            : Html.Empty;
        return new("classes", "Classes", Html.Of($"""
            {find}
            <p class="note">{Quantity.Of(classes.Count, "class", "classes")}; a heading sorts by its column.</p>
            <div class="scroll tall" role="region" aria-label="Table of classes" tabindex="0">
            <table id="classes-table" class="sortable">
            <thead><tr>{headings}</tr></thead>
            <tbody>
            {rows}</tbody>
            </table>
            </div>
            """));
    }

    internal static Html Heading(string text, bool number, bool sorted = false) => Html.Of($"""
        <th scope="col"{(number ? Html.Of($" class=\"number\"") : Html.Empty)} aria-sort="{(sorted ? "ascending" : "none")}">
        <button type="button">{text}</button></th>
        """);

    internal static Html Number(string text, double? value) =>
        Html.Of($"""<td class="number" data-value="{value?.ToString("R")}">{text}</td>""");

    internal static Html Share(double? value) => Number(Quantity.Percent(value), Quantity.Finite(value));

    private static Html Bar(double? share) => Quantity.Finite(share) is { } value
        ? Html.Of($"""<td class="number bar" data-value="{value.ToString("R")}"><meter """ +
            $"""min="0" max="1" value="{value.ToString("R")}" aria-hidden="true"></meter><span """ +
            $"""class="share">{Quantity.Percent(value)}</span></td>""")
        : Share(null);

    private static Html Taken((string Class, double Share) most) => most.Class is null
        ? Html.Of($"<td></td>")
        : Html.Of($"<td>{Html.Name(most.Class)} <span class=\"quiet\">{Quantity.Percent(most.Share, 0)}</span></td>");

    private static Dictionary<string, (string Class, double Share)>? MostTakenFor(RunResults results)
    {
        if (results is not { Classes: { } names, Confusion: { } counts })
            return null;
        var most = new Dictionary<string, (string, double)>(StringComparer.Ordinal);
        foreach (var mistake in ConfusionMatrix.Of(names, counts).Mistakes)
            most.TryAdd(names[mistake.Truth], (names[mistake.Taken], mistake.Share));
        return most;
    }
}
