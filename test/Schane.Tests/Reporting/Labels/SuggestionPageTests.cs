using Schane.Data.Reading;
using Schane.Reporting.Labels;
using Schane.Runs;
using Schane.Tests.Data;
using Schane.Tests.Support;

namespace Schane.Tests.Reporting.Labels;

/// <summary>The contact sheet in a real browser.</summary>
[Collection(BrowserTests.Name), Needs(Needs.Chromium)]
[Trait("Long", "1")]
public sealed class SuggestionPageTests(Chromium chromium)
{
    [Fact]
    public async Task The_images_to_label_stand_in_their_order_with_what_they_are_taken_for()
    {
        using var folder = new TemporaryFolder();
        var image = Thumbnails.Of(ImageDecoder.Decode(Pictures.Flat(60, 40, 200, 80, 20), "flat.png"), 192, 8_000);
        var path = Path.Combine(folder.Path, "suggest.html");
        File.WriteAllText(path, SuggestionPage.Render(
            [new("new/<1>.png", ["cat 0.51", "dog 0.48"], false, image), new("new/2.png", ["cat 1.00"], true, image)], 2, "any", "run-1"));
        await using var open = await chromium.Open(path, charts: false);
        Assert.Equal(["1. cat 0.51or dog 0.48new/<1>.png", "2. unknown, nearest to cat 1.00new/2.png"],
            (await open.Page.Locator("li").AllTextContentsAsync()).Select(text => text.Trim()));
        Assert.Equal(60, await open.Page.EvaluateAsync<int>("document.querySelector('img').naturalWidth"));
        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
    }
}
