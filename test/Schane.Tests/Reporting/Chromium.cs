using Microsoft.Playwright;
using Schane.Reporting;

namespace Schane.Tests.Reporting;

/// <summary>The tests that look at pages share one browser.</summary>
[CollectionDefinition(Name)]
public sealed class BrowserTests : ICollectionFixture<Chromium>
{
    public const string Name = "Browser";
}

/// <summary>One headless Chromium; without one on the machine the tests are skipped.</summary>
public sealed class Chromium : IAsyncLifetime
{
    /// <summary>The browser of this machine, null where there is none.</summary>
    internal static string? Program { get; } =
        new[]
        {
            Environment.GetEnvironmentVariable("SCHANE_CHROMIUM"),
            "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
        }.FirstOrDefault(File.Exists);

    private IPlaywright? playwright;
    private IBrowser? browser;
    private OpenPage? sample;

    public async ValueTask InitializeAsync()
    {
        if (Program is null)
            return;
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = Program, Args = ["--no-sandbox", "--disable-dev-shm-usage"] });
    }

    public async ValueTask DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
    }

    /// <summary>The report of <see cref="SampleRun"/>, opened once for all tests that leave it as they find it.</summary>
    public async Task<OpenPage> OpenSample()
    {
        if (sample is not null)
            return sample;
        using var run = new SampleRun();
        RunReport.Write(run.Folder, run.Page);
        return sample = await Open(run.Page);
    }

    /// <summary>Opens a page from a file and waits until its charts are drawn.</summary>
    public async Task<OpenPage> Open(string file, ColorScheme scheme = ColorScheme.Light, int width = 1280,
        int height = 900, bool charts = true)
    {
        Assert.SkipWhen(browser is null, "There is no Chromium.");
        var page = new OpenPage(
            await browser!.NewPageAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = height } }), file);
        await page.Load(charts);
        return page;
    }
}

/// <summary>A page in the browser, with all that it asked of the network and all that it complained of.</summary>
public sealed class OpenPage(IPage page, string file) : IAsyncDisposable
{
    private readonly List<string> complaints = [];
    private readonly List<string> requests = [];

    public IPage Page => page;

    /// <summary>Errors and warnings on the console, and exceptions.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    /// <summary>Requests other than the one for the page.</summary>
    public IEnumerable<string> Requests =>
        requests.Where(url => url != new Uri(file).AbsoluteUri && !url.StartsWith("data:", StringComparison.Ordinal));

    public async Task Load(bool charts)
    {
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                complaints.Add(message.Text);
        };
        page.PageError += (_, error) => complaints.Add(error);
        page.Request += (_, request) => requests.Add(request.Url);
        await page.GotoAsync(new Uri(file).AbsoluteUri);
        if (charts)
            await page.WaitForSelectorAsync("html[data-charts=drawn]", new() { State = WaitForSelectorState.Attached, Timeout = 20_000 });
    }

    /// <summary>Keeps an image of the page in the folder that SCHANE_SCREENSHOTS names, for people to look at.</summary>
    public async Task Keep(string name, bool whole = true)
    {
        if (Environment.GetEnvironmentVariable("SCHANE_SCREENSHOTS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = whole });
    }

    /// <summary>Keeps a file in that folder.</summary>
    public static void Keep(string name, byte[] contents)
    {
        if (Environment.GetEnvironmentVariable("SCHANE_SCREENSHOTS") is { Length: > 0 } folder)
            File.WriteAllBytes(Path.Combine(folder, name), contents);
    }

    public async ValueTask DisposeAsync() => await page.CloseAsync();
}
