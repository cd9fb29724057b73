using Microsoft.Playwright;
using Schane.Reporting;
using Schane.Runs;

namespace Schane.Tests.Reporting;

public sealed partial class RunReportPageTests
{
    [Fact]
    public async Task A_matrix_of_ten_classes_has_room_for_its_counts_on_a_phone()
    {
        using var run = new SampleRun(write: false);
        (SampleRun.Results with
        {
            Classes = [.. Enumerable.Range(0, 10).Select(c => $"kind-{c}")],
            Confusion = [.. Enumerable.Range(0, 10).Select(c => Enumerable.Range(0, 10).Select(t => t == c ? 37 : 0).ToArray())],
        }).Save(run.At("results.json"));
        RunReport.Write(run.Folder, run.Page);
        await using var open = await chromium.Open(run.Page, width: 400);
        var counts = await open.Page.Locator("[data-figure=confusion] .heatmap-label").AllTextContentsAsync();
        Assert.Equal(10, counts.Count(count => count == "37"));
    }

    [Fact]
    public async Task Shows_the_image_of_the_point_under_the_pointer_and_brings_a_class_out_of_the_crowd()
    {
        var open = await chromium.OpenSample();

        var text = await Point(open);
        Assert.Matches(@"^\w+-\w+(rightly named|taken for \w+-\w+) \(\d+\.\d %\)\w+-\w+/\d+\.png$", text);
        Assert.True(
            await open.Page.Locator(".peek img").EvaluateAsync<int>("image => image.decode().then(() => image.naturalWidth)") == 32);
        await open.Keep("peek", whole: false);
        await open.Page.Mouse.MoveAsync(0, 0);
        await open.Page.Locator(".peek").WaitForAsync(new() { State = WaitForSelectorState.Hidden });

        Assert.Equal(0, await Faint(open));
        var meant = await open.Page.EvaluateAsync<int>("""
            () => {
                const { labels, taken } = JSON.parse(document.getElementById("figures").textContent).map.Map;
                return labels.filter((label, at) => label === 3 || taken[at] === 3).length;
            }
            """);
        await open.Page.Locator("#map-class").SelectOptionAsync("3");
        Assert.Equal(1000 - meant, await Faint(open));
        await open.Page.Locator("#map-class").SelectOptionAsync("-1");
        Assert.Equal(0, await Faint(open));

        await open.Page.Locator("input[name=map][value='1']").CheckAsync();
        Assert.True(await open.Page.GetByText("of their variance").IsVisibleAsync());
        Assert.Equal("First axis", await open.Page.Locator("[data-figure=map] .xtitle").TextContentAsync());
        await open.Page.Locator("input[name=map][value='0']").CheckAsync();
        Assert.Equal(0, await open.Page.Locator("[data-figure=map] .xtitle").CountAsync());
    }

    [Fact]
    public async Task Galleries_show_their_images_and_say_what_they_are()
    {
        var open = await chromium.OpenSample();
        foreach (var (section, pictures) in ((string, int)[])[("pairs", 48), ("sure-mistakes", 24), ("just-right", 12),
            ("label-errors", 2)])
        {
            Assert.Equal(pictures, await open.Page.Locator($"#{section} img").CountAsync());
            Assert.True(await open.Page.Locator($"#{section} img").First
                .EvaluateAsync<int>("image => image.decode().then(() => image.naturalWidth)") == 32);
        }
        Assert.Matches(@"cosine 0\.\d{3}", await open.Page.Locator("#pairs li").First.InnerTextAsync());
        Assert.StartsWith("2 images whose neighbours",
            await open.Page.Locator("#label-errors p").First.InnerTextAsync(), StringComparison.Ordinal);
        // rank 1 stands last in the file
        Assert.Contains("score 0.900", await open.Page.Locator("#label-errors li").First.InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mistakes_show_where_the_model_saw_what_it_took_them_for()
    {
        using var run = new SampleRun(SampleRun.Named(8), perClass: 10);
        RunReport.Write(run.Folder, run.Page, new Keeper(new(run.At("thumbnails"))));
        await using var open = await chromium.Open(run.Page);
        var cards = await open.Page.Locator("#sure-mistakes li").CountAsync();
        Assert.True(cards > 0);
        Assert.Equal(2 * cards, await open.Page.Locator("#sure-mistakes img").CountAsync());
        Assert.Equal(cards, await open.Page.Locator("#sure-mistakes img[alt$='where it was seen']").CountAsync());
        Assert.Contains("In orange: where the model saw", await open.Page.Locator("#sure-mistakes p").First.InnerTextAsync());
        Assert.Equal(0, await open.Page.Locator("#just-right img[alt$='where it was seen']").CountAsync());
        await open.Keep("where-seen");
        Assert.Empty(open.Complaints);
    }

    private sealed class Keeper(Thumbnails thumbnails) : IImageKeeper
    {
        public void KeepThumbnails(string part, IEnumerable<string> images, bool atLeisure) { }

        public void KeepActivations(string part, IReadOnlyDictionary<string, string> takenFor)
        {
            foreach (var image in takenFor.Keys)
                thumbnails.Keep(Thumbnails.Activations(part), image, new(2, 2, 3, new byte[12]));
        }
    }

    [Fact]
    public async Task A_run_without_images_shows_names()
    {
        using var run = new SampleRun(SampleRun.Named(4), perClass: 10, pictures: false);
        RunReport.Write(run.Folder, run.Page);
        await using var open = await chromium.Open(run.Page);
        Assert.Equal(0, await open.Page.Locator("img").CountAsync());
        Assert.True(await open.Page.Locator("#pairs .blank").CountAsync() > 0);
        Assert.Contains(".png", await Point(open), StringComparison.Ordinal);
        Assert.Empty(open.Complaints);
    }
}
