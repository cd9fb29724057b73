using Schane.Data.Reading;
using Schane.Evaluation;
using Schane.Evaluation.Statistics;
using Schane.Reporting;
using Schane.Reporting.SideBySide;
using Schane.Runs;
using Schane.Tests.Data;

namespace Schane.Tests.Reporting.SideBySide;

/// <summary>Two runs side by side.</summary>
public sealed class PairedReportTests : IDisposable
{
    private readonly SampleRun first = new(write: false), second = new(write: false);

    [Fact]
    public void What_each_alone_has_right_is_counted_and_shown()
    {
        Save(first, "a", "a", "b", "b", "a");
        Save(second, "a", "b", "a", "b", "b");
        var answers = PairedReport.Write(RunFolder.Elsewhere(first.Folder), RunFolder.Elsewhere(second.Folder), first.Page);
        // Truth: a a a b b.
        Assert.Equal(["1.png"], answers.OnlyFirst.Select(item => item.First.Image));
        Assert.Equal(["2.png", "4.png"], answers.OnlySecond.Select(item => item.First.Image));
        Assert.Empty(answers.Neither);
        var (one, other) = (Path.GetFileName(first.Folder), Path.GetFileName(second.Folder));
        Assert.Equal($"Of 5 images {one} alone names 1 rightly and {other} alone 2; both 2, neither 0. That is no evidence that " +
            "either is better (McNemar’s exact test, p = 1.000).", answers.Sentence);
        var page = File.ReadAllText(first.Page);
        Assert.Contains($"<h2 id=\"only-first-title\">Only {one} is right</h2>", page, StringComparison.Ordinal);
        Assert.Contains("title=\"4.png\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("id=\"neither\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_that_folds_measured_are_shown_and_those_that_no_run_has_kept_are_asked_for()
    {
        Save(first, "a", "a", "b", "b", "a");
        Save(second, "a", "b", "a", "b", "b");
        foreach (var run in (SampleRun[])[first, second])
            (SampleRun.Results with { Part = "folds", Folds = 5 }).Save(run.At("results.json"));
        new Thumbnails(second.At("thumbnails")).Keep("train", "1.png", ImageDecoder.Decode(Pictures.Flat(40, 40, 250, 10, 10), "1.png"));
        var keeper = new Keeper(new(first.At("thumbnails")));
        PairedReport.Write(RunFolder.Elsewhere(first.Folder), RunFolder.Elsewhere(second.Folder), first.Page, keeper);
        Assert.Equal(["train 2.png", "train 4.png"], keeper.Asked.Order());
        var page = File.ReadAllText(first.Page);
        Assert.All(["1.png", "2.png", "4.png"], (string name) => Assert.Matches($"<img src=\"[^\"]+\" alt=\"{name}\"", page));
    }

    [Fact]
    public void Runs_of_different_images_are_refused_and_so_is_one_without_answers()
    {
        Save(first, "a", "a", "a", "b", "b");
        SampleRun.Results.Save(second.At("results.json"));
        Assert.Contains("has kept no answers", Assert.Throws<SchaneException>(Write).Message, StringComparison.Ordinal);
        PredictedItem.Save(second.At("predictions.parquet"), [new() { Image = "other.png", Label = "a", Predicted = "a", Right = true }]);
        Assert.Contains("were measured on different images", Assert.Throws<SchaneException>(Write).Message, StringComparison.Ordinal);

        void Write() => PairedReport.Write(RunFolder.Elsewhere(first.Folder), RunFolder.Elsewhere(second.Folder), first.Page);
    }

    /// <summary>By a pencil: 2 · (1 + 7) / 2⁷; 2 / 2⁵; nothing to tell apart.</summary>
    [Theory]
    [InlineData(1, 6, 0.125)]
    [InlineData(5, 0, 0.0625)]
    [InlineData(3, 3, 1)]
    [InlineData(0, 0, 1)]
    public void The_exact_test_of_McNemar_is_a_binomial_one(int onlyFirst, int onlySecond, double p) =>
        Assert.Equal(p, McNemar.ExactP(onlyFirst, onlySecond), 1e-12);

    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
    }

    private sealed class Keeper(Thumbnails thumbnails) : IImageKeeper
    {
        public List<string> Asked { get; } = [];

        public void KeepThumbnails(string part, IEnumerable<string> images, bool atLeisure)
        {
            foreach (var image in images)
            {
                Asked.Add($"{part} {image}");
                thumbnails.Keep(part, image, ImageDecoder.Decode(Pictures.Flat(40, 40, 10, 10, 250), image));
            }
        }

        public void KeepActivations(string part, IReadOnlyDictionary<string, string> takenFor)
        {
        }
    }

    private static void Save(SampleRun run, params string[] answers)
    {
        string[] truth = ["a", "a", "a", "b", "b"];
        PredictedItem.Save(run.At("predictions.parquet"), [.. answers.Select((answer, i) => new PredictedItem
        { Image = $"{i}.png", Group = i, Label = truth[i], Predicted = answer, Confidence = 0.5 + 0.1 * i, Right = answer == truth[i] })]);
        SampleRun.Results.Save(run.At("results.json"));
    }
}
