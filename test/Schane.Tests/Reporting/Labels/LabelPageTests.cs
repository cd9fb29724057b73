using Schane.Data.Reading;
using Schane.Reporting.Labels;
using Schane.Runs;
using Schane.Tests.Data;
using Schane.Tests.Support;

namespace Schane.Tests.Reporting.Labels;

/// <summary>The page of label errors in a real browser.</summary>
[Collection(BrowserTests.Name), Needs(Needs.Chromium)]
[Trait("Long", "1")]
public sealed class LabelPageTests(Chromium chromium) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Keys_go_through_the_images_and_the_lists_hold_what_was_decided()
    {
        await using var open = await Open(
            ("a/1.png", "a", "b"), ("a/2, \"two\".png", "a", "b"), ("b/3.png", "b", "a"), ("b/4.png", "b", "a"));
        Assert.Equal("a/1.png", await open.Page.TextContentAsync("#file"));
        Assert.Equal("1 of 4, score 0.90", await open.Page.TextContentAsync("#place"));
        await open.Keep("labels");
        foreach (var key in new[] { "s", "s", "x", "k" })                 // the suggestion twice, left out, kept
            await open.Page.Keyboard.PressAsync(key);
        Assert.Equal("4 of 4 looked at: 2 with another label, 1 left out, 1 kept.", await open.Page.TextContentAsync("#done"));
        await open.Page.Keyboard.PressAsync("ArrowLeft");
        await open.Page.Keyboard.PressAsync("ArrowLeft");
        Assert.Equal("true", await open.Page.GetAttributeAsync("#take", "aria-pressed"));
        await open.Page.SelectOptionAsync("#other", "<c>");               // another class for the second image
        Assert.Equal("path,label,suggested\na/1.png,a,b\n\"a/2, \"\"two\"\".png\",a,<c>\n",
            await Saved(open, "#save-relabel", "relabel.csv"));
        Assert.Equal("path,label\nb/3.png,b\n", await Saved(open, "#save-exclude", "exclude.csv"));
        Assert.Empty(open.Complaints);
        Assert.DoesNotContain(open.Requests, url => !url.StartsWith("blob:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_decided_is_there_when_the_page_is_opened_again()
    {
        await using var open = await Open(("a/1.png", "a", "b"), ("b/2.png", "b", "a"));
        await open.Page.Keyboard.PressAsync("x");
        await open.Page.ReloadAsync();
        Assert.Equal("1 of 2 looked at: 0 with another label, 1 left out, 0 kept.", await open.Page.TextContentAsync("#done"));
        Assert.Equal("b/2.png", await open.Page.TextContentAsync("#file"));
    }

    private async Task<OpenPage> Open(params (string Image, string Label, string Suggested)[] candidates)
    {
        var image = Thumbnails.Of(ImageDecoder.Decode(Pictures.Flat(60, 40, 200, 80, 20), "flat.png"), 288, 12_000);
        var path = Path.Combine(folder.Path, "label-errors.html");
        File.WriteAllText(path, LabelPage.Render([.. candidates.Select(c => new LabelCandidate(c.Image, c.Label, c.Suggested, 0.9, image))],
            ["a", "b", "<c>"], new Dictionary<string, IReadOnlyList<byte[]>> { ["a"] = [image, image], ["b"] = [image] }, "run-1"));
        return await chromium.Open(path, charts: false);
    }

    private static async Task<string> Saved(OpenPage open, string button, string name)
    {
        var download = await open.Page.RunAndWaitForDownloadAsync(() => open.Page.ClickAsync(button));
        Assert.Equal(name, download.SuggestedFilename);
        return await File.ReadAllTextAsync(await download.PathAsync());
    }
}
