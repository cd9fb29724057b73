using Schane.Evaluation.Embeddings;

namespace Schane.Reporting.Sections;

/// <summary>The embeddings as a map, by t-SNE and by PCA; pointing at an image shows it.</summary>
internal static class MapSection
{
    /// <summary>Axes that t-SNE measures distances in.</summary>
    private const int Axes = 50;

    /// <summary>Below so many images a map says nothing.</summary>
    private const int Fewest = 4;

    /// <summary>Classes whose colours a reader can tell apart, so that they are named beside the map.</summary>
    private const int Named = 12;

    public static ReportSection? Of(RunImages? images)
    {
        if (images is null || images.Set.Count < Fewest)
            return null;
        var axes = PrincipalAxes.Of(images.Set, Axes);
        float[][] drawn = [.. images.Drawn.Select(row => axes.Coordinates[row])];
        var (x, y) = Tsne.Map(drawn);
        var classes = images.Set.Classes;
        var places = classes.Select((name, place) => (name, place)).ToDictionary(one => one.name, one => one.place);
        var answers = images.Drawn.Select(images.Answer).ToArray();
        var shares = $"{Quantity.PercentNumber(axes.Shares[0], 0)} and {Quantity.Percent(axes.Shares.ElementAtOrDefault(1), 0)}";
        var figure = new Figure("map", "Where the images lie", $"{Quantity.Of(images.Drawn.Length, "image", "images")} of " +
            $"{Quantity.Of(classes.Count, "class", "classes")}. Near points look alike to the model.", 640)
        {
            Map = new
            {
                maps = new[]
                {
                    new { name = "tsne", x = x.Select(Rounded), y = y.Select(Rounded), titles = (string[])["", ""] },
                    new
                    {
                        name = "pca", x = drawn.Select(point => Rounded(point[0])),
                        y = drawn.Select(point => Rounded(point.ElementAtOrDefault(1))), titles = (string[])["First axis", "Second axis"]
                    },
                },
                classes = classes.Select(name => Printable.Escape(name)),
                labels = images.Drawn.Select(row => images.Set.Labels[row]),
                taken = answers.Select(answer => answer is null ? -1 : places.GetValueOrDefault(answer.Predicted, -1)),
                confidence = answers.Select(answer =>
                    answer is { Confidence: var sure } && double.IsFinite(sure) ? Math.Round(sure, 4) : (double?)null),
                images = images.Drawn.Select(row => Printable.Escape(images.Name(row))),
                thumbnails = images.Drawn.Select(row => images.Thumbnail(row) is { } webp ? Text(webp) : null),
            },
        };
        var some = images.Drawn.Length < images.Set.Count
            ? $"{Quantity.Count(images.Drawn.Length)} of {Quantity.Of(images.Set.Count, "image", "images")}, every class in its share"
            : Quantity.Of(images.Drawn.Length, "image", "images");
        var options = classes.Select((name, place) => (name, place)).OrderBy(one => one.name, StringComparer.Ordinal)
            .Select(one => Html.Of($"<option value=\"{one.place}\">{Short(one.name)}</option>"));
        var colours = classes.Select((name, place) =>
            Html.Of($"<li><span class=\"swatch\" data-class=\"{place}\"></span>{Html.Name(name)}</li>"));
        var caption = Html.Of($"""
            <span data-map="0">t-SNE keeps neighbourhoods, not distances:
            the size of a group and the space between groups say nothing.</span>
            <span data-map="1" hidden>The two
            directions in which all {Quantity.Of(images.Set.Count, "embedding", "embeddings")} scatter most,
            {shares} of their variance.</span>
            """);
        return new("map", "Embedding map", Html.Of($"""
            <p>{some} of the {HeadlineSection.PartName(images.Part)} part, coloured by class. Near points look alike to the model.
            {(answers.Any(answer => answer is { Right: false }) ? "Crosses were answered wrongly." : "")}</p>
            <p class="control choices"><label><input type="radio" name="map" value="0" checked> t-SNE</label>
            <label><input type="radio" name="map" value="1"> PCA</label>
            <label><input type="checkbox" id="map-images" checked> Images</label>
            <label>Class <select id="map-class"><option value="-1">all</option>{Html.Join(options)}</select></label></p>
            {(classes.Count <= Named ? Html.Of($"<ul class=\"legend\">{Html.Join(colours)}</ul>") : Html.Empty)}
            {figure.Show(caption)}
            """), figure);
    }

    private static string Short(string name) => name.Length > 60 ? name[..59] + "…" : name;

    private static double Rounded(float value) => Math.Round(value, 4);

    /// <summary>Base64 for URLs, since JSON that may stand in a page writes “+” as six signs.</summary>
    private static string Text(byte[] webp) => Convert.ToBase64String(webp).Replace('+', '-');
}
