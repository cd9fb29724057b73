using Microsoft.Playwright;
using Schane.Server;
using Schane.Tests.Data;
using Schane.Tests.Inference;
using Schane.Tests.Reporting;
using Schane.Tests.Support;

namespace Schane.Tests.Server;

/// <summary>The page to drop images on, in a real browser.</summary>
[Collection(BrowserTests.Name), Needs(Needs.Chromium)]
[Trait("Long", "1")]
public sealed class ServerPageTests(Chromium chromium)
{
    [Fact]
    public async Task A_image_is_answered_with_its_nearest_training_images_and_a_text_with_why_not()
    {
        using var run = new TrainedRun();
        await using var server = await PredictionServer.StartAsync(new ServeOptions { Run = run.Folder, Port = 0 },
            TestContext.Current.CancellationToken);
        await using var open = await chromium.Open($"{server.Address}", charts: false, width: 900);
        var page = open.Page;
        await page.WaitForSelectorAsync("#model:has-text('2 classes')");
        Assert.False(await page.IsVisibleAsync("#key-field"));

        await page.SetInputFilesAsync("#file", run.Red);
        await page.WaitForSelectorAsync("#class:has-text('red')");
        await Assertions.Expect(page.Locator("#neighbours img")).ToHaveCountAsync(6);
        // fails where an image is broken
        await page.EvaluateAsync("Promise.all([...document.querySelectorAll('#neighbours img')].map(image => image.decode()))");
        Assert.Equal(2, await page.Locator("#top li").CountAsync());
        await page.EvaluateAsync("document.getElementById('why').decode()");
        Assert.Equal("In orange: where it saw red", await page.Locator("#seen figcaption").InnerTextAsync());
        Assert.False(await page.IsVisibleAsync("#unknown"));
        Assert.Equal(6, await page.Locator("#neighbours li").CountAsync());
        await open.Keep("serve");
        await page.SetViewportSizeAsync(390, 844);                        // a phone: nothing to push sideways
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await open.Keep("serve-phone");

        await page.SetInputFilesAsync("#file",
            new FilePayload { Name = "noise.png", MimeType = "image/png", Buffer = Pictures.Noise(40, 40) });
        await page.WaitForSelectorAsync("#class:has-text('Unknown')");
        Assert.Contains("Unlike every image that the model knows (cosine distance 0.", await page.Locator("#unknown").InnerTextAsync());
        await open.Keep("serve-phone-unknown");
        Assert.Empty(open.Complaints);
        Assert.All(open.Requests, url => Assert.True(url.StartsWith($"{server.Address}", StringComparison.Ordinal)
            || url.StartsWith("blob:", StringComparison.Ordinal), url));

        await page.SetInputFilesAsync("#file",
            new FilePayload { Name = "x.png", MimeType = "image/png", Buffer = "<b>no image</b>"u8.ToArray() });
        await page.WaitForSelectorAsync("#problem:has-text('is not a JPEG')");
        Assert.Equal(0, await page.Locator("#problem b").CountAsync());
    }
}
