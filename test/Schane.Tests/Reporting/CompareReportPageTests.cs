using Microsoft.Playwright;
using Schane.Reporting;
using Schane.Tests.Support;

namespace Schane.Tests.Reporting;

/// <summary>The report of a comparison, looked at in a real browser.</summary>
[Collection(BrowserTests.Name), Needs(Needs.Chromium)]
[Trait("Long", "1")]
public sealed class CompareReportPageTests(Chromium chromium)
{
    [Fact]
    public async Task Draws_the_forest_sorts_its_tables_and_asks_nothing_of_the_network()
    {
        using var run = new SampleRun(write: false);
        SampleComparison.Of().Save(run.At("compare.json"));
        CompareReport.Write(run.At("compare.json"), run.Page);
        await using var open = await chromium.Open(run.Page);

        Assert.True(await open.Page.Locator("[data-figure=forest] svg.main-svg").CountAsync() > 0);
        Assert.Equal(6, await open.Page.Locator("[data-figure=forest] .errorbar").CountAsync());
        Assert.Equal(6, await open.Page.Locator("#verdict .verdicts li").CountAsync());
        Assert.Matches("SCHaNe against CE: helped", await open.Page.Locator("#verdict").InnerTextAsync());
        await open.Page.Locator("#differences-table th button", new() { HasText = "Mean" }).ClickAsync();
        var means = await open.Page.Locator("#differences-table tbody td:nth-child(2)").AllTextContentsAsync();
        var numbers = means.Select(text => double.Parse(text.Replace('−', '-'))).ToArray();
        Assert.Equal(numbers.Order(), numbers);

        foreach (var (name, width, scheme) in ((string, int, ColorScheme)[])[("compare", 1280, ColorScheme.Light),
            ("compare-phone", 360, ColorScheme.Dark)])
        {
            await open.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await open.Page.SetViewportSizeAsync(width, 900);
            await open.Page.WaitForFunctionAsync("() => [...document.querySelectorAll('[data-figure]')].every(chart => " +
                "Math.abs(chart.clientWidth - chart.dataset.width) <= 1)");
            Assert.True(await open.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth") <= width);
            await open.Keep(name);
        }
        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
    }

    [Fact]
    public async Task Shows_labels_with_markup_in_them_as_text()
    {
        using var run = new SampleRun(write: false);
        CompareReport.Write(SampleComparison.Of(["<b>plain</b>", "<img src=x>", "&amp;", "</script>"]), run.Page);
        await using var open = await chromium.Open(run.Page);

        Assert.Equal(["<b>plain</b>", "<img src=x>", "&amp;", "</script>"],
            await open.Page.Locator("[data-figure=seeds] .xtick text").AllTextContentsAsync());
        Assert.Contains("<img src=x> against <b>plain</b>", await open.Page.Locator("#verdict").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await open.Page.Locator("main img").CountAsync());
        Assert.Empty(open.Complaints);
    }
}
