using Microsoft.Playwright;
using Schane.Reporting;
using Schane.Tests.Support;

namespace Schane.Tests.Reporting;

/// <summary>The report of a run, looked at in a real browser.</summary>
[Collection(BrowserTests.Name), Needs(Needs.Chromium)]
[Trait("Long", "1")]
public sealed partial class RunReportPageTests(Chromium chromium)
{
    private static readonly string[] hostile =
    [
        "<script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">", "</script><b>bold</b>",
        "<a href=\"https://example.com\">link</a>",
        "a & b &lt; c", "\"quoted\" 'twice'", "line\nbreak \u001b[31m", "@series-1", "%{x} {y} $z$", "{{braces}}", "\u202Ereversed",
        "<b>x</b>" + new string('w', 200),
    ];

    [Fact]
    public async Task Draws_every_chart_without_a_complaint_or_a_request()
    {
        var open = await chromium.OpenSample();

        string[] expected = ["accuracy", "loss", "objective", "similarity", "learning-rate", "gradient", "positives", "negatives",
            "without-positives", "speed", "confusion", "map", "reliability"];
        foreach (var figure in expected)
            Assert.True(await open.Page.Locator($"[data-figure='{figure}'] svg.main-svg").CountAsync() > 0,
                $"The chart '{figure}' is not there.");
        Assert.Equal(expected.Length, await open.Page.Locator("[data-figure]").CountAsync());
        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
    }

    [Fact]
    public async Task Forbids_every_request_even_to_a_script_on_the_page()
    {
        using var run = new SampleRun(write: false);
        File.WriteAllText(run.At("results.json"), """
            {"schane": "0.1.0", "data": "photos", "model": "convnet4", "loss": "ce", "seed": 0, "steps": 1, "part": "test", "images": 2,
             "metrics": {"top1": 0.5}}
            """);
        RunReport.Write(run.Folder, run.Page);
        await using var open = await chromium.Open(run.Page, charts: false);

        var violations = await open.Page.EvaluateAsync<string[]>("""
            async () => {
              const seen = [];
              document.addEventListener("securitypolicyviolation", event => seen.push(event.effectiveDirective));
              await fetch("https://example.com/").catch(() => {});
              const image = new Image();
              image.src = "https://example.com/a.png";
              document.body.insertAdjacentHTML("beforeend", "<p onclick='0'>x</p>");
              await new Promise(resolve => setTimeout(resolve, 100));
              return seen;
            }
            """);
        Assert.Contains("connect-src", violations);
        Assert.Contains("img-src", violations);
        Assert.Contains("script-src-attr", violations);
    }

    [Fact]
    public async Task Shows_names_with_markup_in_them_as_text()
    {
        using var run = new SampleRun(hostile, perClass: 10);
        File.AppendAllText(run.At("recipe.yaml"), "note: </code></pre><script>document.title='owned'</script>\n");
        File.AppendAllText(run.At("journal.jsonl"),
            "{\"event\":\"warning\",\"step\":3,\"message\":\"'<img src=x onerror=alert(1)>.png' can't be read.\"}\n");
        RunReport.Write(run.Folder, run.Page);
        await using var open = await chromium.Open(run.Page);

        Assert.Equal("SCHaNe on lookalikes:novel", await open.Page.TitleAsync());
        var rows = await open.Page.Locator("#classes-table tbody th").AllTextContentsAsync();
        Assert.Equal(hostile.Select(Shown).Order(), rows.Order());
        Assert.Equal(0, await open.Page.Locator("main img:not(.gallery img), main b, main a[href*='example'], .chart a").CountAsync());
        Assert.Equal(hostile.Select(Shown).Order(),
            (await open.Page.Locator("#map-class option").AllTextContentsAsync()).Skip(1).Select(text => text.TrimEnd('…'))
                .Select(text => hostile.Select(Shown).First(name => name.StartsWith(text, StringComparison.Ordinal))).Order());
        Assert.Equal(hostile.Select(Shown).Order(), (await open.Page.Locator(".legend li").AllTextContentsAsync()).Order());
        Assert.Contains($"{hostile[0]} or rather {hostile[1]}",
            await open.Page.Locator("#label-errors").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Equal($"{hostile[0]}/1.png", await open.Page.Locator("#label-errors img").First.GetAttributeAsync("alt"));
        await Point(open);
        Assert.Equal(0, await open.Page.Locator(".peek :not(p, img)").CountAsync());
        Assert.Contains("</code></pre><script>", await open.Page.Locator("#recipe").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Contains("<img src=x onerror=alert(1)>.png",
            await open.Page.Locator("#warnings").InnerTextAsync(), StringComparison.Ordinal);
        var ticks = await open.Page.Locator("[data-figure=confusion] .ytick text").AllTextContentsAsync();
        Assert.Contains("<a href=\"https://exampl…", ticks);
        Assert.Contains("a & b &lt; c", ticks);
        Assert.Contains("@series-1", ticks);
        Assert.Contains("%{x} {y} $z$", ticks);
        Assert.Empty(open.Complaints);
        Assert.Empty(open.Requests);
        await open.Keep("hostile");
    }

    [Fact]
    public async Task Sorts_the_table_of_classes_by_mouse_and_by_keyboard()
    {
        var open = await chromium.OpenSample();
        var heading = open.Page.Locator("#classes-table th", new() { HasText = "Precision" });
        var button = heading.Locator("button");

        await button.ClickAsync();
        Assert.Equal("ascending", await heading.GetAttributeAsync("aria-sort"));
        var up = await Column(open, 4);
        Assert.Equal(up.Order(), up);

        await button.FocusAsync();
        await open.Page.Keyboard.PressAsync("Enter");
        Assert.Equal("descending", await heading.GetAttributeAsync("aria-sort"));
        var down = await Column(open, 4);
        Assert.Equal(up.OrderDescending(), down);
        Assert.Equal(1, await open.Page.Locator("#classes-table th[aria-sort]:not([aria-sort=none])").CountAsync());

        await open.Page.Locator("#find-class").FillAsync("GEAR");
        Assert.Equal(4, await open.Page.Locator("#classes-table tbody tr:visible").CountAsync());
        await open.Page.Locator("#find-class").FillAsync("");
    }

    [Fact]
    public async Task Says_what_lies_under_the_pointer()
    {
        var open = await chromium.OpenSample();

        await open.Page.Locator("[data-figure=objective]").HoverAsync();
        Assert.Contains("Contrastive",
            await open.Page.Locator("[data-figure=objective] .hoverlayer").TextContentAsync(), StringComparison.Ordinal);

        // The first cell of the diagonal, in the order of the classes' names.
        await open.Page.Locator("#neighbours").UncheckAsync();
        await open.Page.Locator("[data-figure=confusion]").ScrollIntoViewIfNeededAsync();
        var plot = await open.Page.Locator("[data-figure=confusion] .nsewdrag").BoundingBoxAsync();
        await open.Page.Mouse.MoveAsync(plot!.X + plot.Width / 80, plot.Y + plot.Height / 80, new() { Steps = 3 });
        var label = await open.Page.Locator("[data-figure=confusion] .hoverlayer").TextContentAsync();
        await open.Page.Locator("#neighbours").CheckAsync();
        Assert.Matches(@"True: arrow-notchedTaken for: arrow-notched\d+ of 25", label!);
    }

    [Fact]
    public async Task Fits_its_window_and_follows_the_colours_of_the_system()
    {
        var open = await chromium.OpenSample();
        foreach (var (name, width, scheme) in ((string, int, ColorScheme)[])[("light", 1280, ColorScheme.Light),
            ("dark", 1280, ColorScheme.Dark), ("wide", 2200, ColorScheme.Light), ("phone", 360, ColorScheme.Dark)])
        {
            await open.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await open.Page.SetViewportSizeAsync(width, 900);
            await open.Page.WaitForFunctionAsync("() => [...document.querySelectorAll('[data-figure]')].every(chart => " +
                "Math.abs(chart.clientWidth - chart.dataset.width) <= 1)");

            Assert.True(await open.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth") <= width,
                $"The page is wider than its window of {width} pixels.");
            var title = await open.Page.EvaluateAsync<string>("() => document.querySelector('[data-figure=loss] .xtitle').style.fill");
            Assert.Equal(scheme == ColorScheme.Dark ? "rgb(155, 164, 172)" : "rgb(92, 100, 108)", title);
            await open.Keep(name);
        }
        await open.Page.SetViewportSizeAsync(1280, 900);
    }

    [Fact]
    public async Task Prints_in_the_light_colours_and_goes_back_to_the_dark_ones()
    {
        var open = await chromium.OpenSample();
        await open.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await open.Page.EvaluateAsync("() => addEventListener('beforeprint', () => { window.printed = " +
            "[getComputedStyle(document.body).color, document.querySelector('[data-figure=loss] .xtitle').style.fill]; })");

        var pdf = await open.Page.PdfAsync(new() { Format = "A4" });

        Assert.Equal(["rgb(28, 32, 36)", "rgb(92, 100, 108)"], await open.Page.EvaluateAsync<string[]>("() => window.printed"));
        Assert.Equal("rgb(155, 164, 172)",
            await open.Page.EvaluateAsync<string>("() => document.querySelector('[data-figure=loss] .xtitle').style.fill"));
        OpenPage.Keep("print.pdf", pdf);
    }

    [Fact, Trait("Slow", "1")]
    public async Task Opens_with_1_000_classes()
    {
        using var run = new SampleRun(SampleRun.Named(1000), perClass: 50);
        RunReport.Write(run.Folder, run.Page);
        await using var open = await chromium.Open(run.Page);

        Assert.Equal(1000, await open.Page.Locator("#classes-table tbody tr").CountAsync());
        Assert.Contains("Those 120 of the 1,000 classes", await open.Page.Locator("#mistakes").InnerTextAsync(), StringComparison.Ordinal);
        Assert.Empty(open.Complaints);
        await open.Keep("large");
    }

    /// <summary>A name as a page shows it.</summary>
    private static string Shown(string name) => name.Replace("\n", "\\n").Replace("\u001b", "\\e").Replace("\u202E", "\\u202e");

    /// <summary>Points at the first image of the map and gives what is said of it.</summary>
    private static async Task<string> Point(OpenPage open)
    {
        await open.Page.Locator("[data-figure=map]").ScrollIntoViewIfNeededAsync();
        var point = await open.Page.Locator("[data-figure=map] .point").First.BoundingBoxAsync();
        await open.Page.Mouse.MoveAsync(point!.X + point.Width / 2, point.Y + point.Height / 2, new() { Steps = 3 });
        await open.Page.Locator(".peek").WaitForAsync(new() { State = WaitForSelectorState.Visible });
        return (await open.Page.Locator(".peek").TextContentAsync())!;
    }

    private static Task<int> Faint(OpenPage open) =>
        open.Page.EvaluateAsync<int>(
            "() => [...document.querySelectorAll('[data-figure=map] .point')].filter(point => point.style.opacity === '0.1').length");

    private static async Task<double[]> Column(OpenPage open, int column)
    {
        var cells = await open.Page.Locator($"#classes-table tbody tr > :nth-child({column})").AllTextContentsAsync();
        return [.. cells.Select(cell => double.Parse(cell.Replace("%", "").Trim()))];
    }
}
