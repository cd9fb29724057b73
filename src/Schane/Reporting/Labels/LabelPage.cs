using System.Text.Json;

namespace Schane.Reporting.Labels;

/// <summary>An image of the page: what it is called, what it looks like, and a small WebP of it.</summary>
internal sealed record LabelCandidate(string Image, string Label, string Suggested, double Score, byte[] Picture);

/// <summary>The page on which a person goes through the images whose label may be wrong, with keys, and saves the lists that
/// <c>--relabel</c> and <c>--exclude</c> take.</summary>
internal static class LabelPage
{
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <param name="candidates">At least one, the most suspect first.</param>
    /// <param name="classes">All class names.</param>
    /// <param name="examples">A few small WebP images of each class that a candidate has or may have.</param>
    /// <param name="run">The run's name.</param>
    public static string Render(IReadOnlyList<LabelCandidate> candidates, IReadOnlyList<string> classes,
        IReadOnlyDictionary<string, IReadOnlyList<byte[]>> examples, string run)
    {
        var data = JsonSerializer.Serialize(new
        {
            Candidates = candidates.Select(c => new { c.Image, c.Label, c.Suggested, c.Score, Picture = Gallery.Address(c.Picture) }),
            Examples = examples.ToDictionary(e => e.Key, e => e.Value.Select(Gallery.Address)),
            Classes = classes,
        }, Names);
        return ReportPage.Document($"Labels of {run}", PageParts.Style + PageParts.LabelStyle, [PageParts.LabelScript],
            ("candidates", data), Html.Of($"""
            <header class="page">
            <h1>Are these labels right?</h1>
            <p class="sub">Images of {run} whose label the models contradict, the most suspect first. Nothing is changed in your files: what
            you decide is saved as lists.</p>
            </header>
            <main>
            <div class="review">
            <div>
            <img class="subject" id="subject" alt="">
            <p class="note"><span id="place"></span><br><span class="file" id="file"></span></p>
            </div>
            <div>
            <h2>It is called <span id="label"></span></h2>
            <div class="images examples" id="label-examples"></div>
            <h2>It looks like <span id="suggested"></span></h2>
            <div class="images examples" id="suggested-examples"></div>
            <div class="answers">
            <button id="take">Take the suggestion<kbd>s</kbd></button>
            <button id="keep">Keep the label<kbd>k</kbd></button>
            <button id="leave">Leave the image out<kbd>x</kbd></button>
            <select id="other" aria-label="Another class"></select>
            </div>
            <div class="answers">
            <button id="previous">Previous<kbd>←</kbd></button>
            <button id="next">Next<kbd>→</kbd></button>
            </div>
            </div>
            </div>
            <div class="save">
            <p id="done" role="status"></p>
            <p><button id="save-relabel">Save relabel.csv</button> <button id="save-exclude">Save exclude.csv</button></p>
            <p class="quiet">Then train again with <code>--relabel relabel.csv</code>, <code>--exclude exclude.csv</code>, or both.</p>
            </div>
            <noscript><p>This page needs JavaScript; label-errors.csv beside it has the same images.</p></noscript>
            </main>

            """));
    }
}
