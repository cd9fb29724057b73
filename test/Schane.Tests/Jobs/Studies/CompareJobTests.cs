using System.Text.RegularExpressions;
using Schane.Evaluation.Embeddings;
using Schane.Jobs;
using Schane.Jobs.Studies;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Support;

namespace Schane.Tests.Jobs.Studies;

[Trait("Long", "1")]
public sealed class CompareJobTests : IDisposable
{
    private readonly Photos photos = Photos.OfTwoClasses();

    private Recipe Short => new()
    {
        Data = photos.Data, Weights = "none", Model = "schane_tiny", InputSize = 32, ImagesPerClass = 2, Steps = 2, EvaluateEvery = 100,
        Threads = 1, Precision = Precision.Float32
    };

    public void Dispose() => photos.Dispose();

    [Fact]
    public void Runs_leave_their_images_and_their_page_to_the_report_that_is_asked_for()
    {
        CompareJob.Run(TwoArms());
        Assert.False(Directory.Exists(At("ce-s0", "thumbnails")));
        Assert.False(File.Exists(At("ce-s0", "report.html")));
        Assert.Null(ReportJob.Write(At("ce-s0")));
        Assert.Contains("\"UklGR", File.ReadAllText(At("ce-s0", "report.html")));              // how a WebP begins in base64

        Directory.Delete(photos.Data, recursive: true);
        Assert.Null(ReportJob.Write(At("ce-s0")));                        // has kept its images
        Assert.Contains("Images that the run has not kept are missing", ReportJob.Write(At("schane-s0")));
        Assert.DoesNotContain("\"UklGR", File.ReadAllText(At("schane-s0", "report.html")));
    }

    [Fact]
    public void Suspected_label_errors_have_an_image_though_the_run_kept_none_of_them()
    {
        CompareJob.Run(TwoArms());
        ReportJob.Write(At("ce-s0"));
        var image = Schane.Data.Dividing.Splits.Load(At("ce-s0", "splits.json")).Parts["train"][0];
        new DirectoryInfo(At("ce-s0", "thumbnails")).GetFiles().ToList().ForEach(file => file.Delete());
        File.WriteAllText(At("ce-s0", "label-errors.csv"), $"path,label,suggested,score,rank\n{image},red,blue,0.9,1\n");
        ReportJob.Write(At("ce-s0"));
        var page = File.ReadAllText(At("ce-s0", "report.html"));
        Assert.Matches(new Regex($"<img src=\"data:image/webp[^>]*alt=\"{Regex.Escape(image)}\""), page);
        Assert.DoesNotContain("class=\"blank\"", page);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void How_much_there_is_to_do_is_told_before_the_first_run()
    {
        var messages = new List<string>();
        CompareJob.Run(TwoArms(), new Heard(messages));
        Assert.Equal("2 runs: 2 to make, 2 steps each, 1 at a time on 1 thread.", messages[0]);
        messages.Clear();
        CompareJob.Run(TwoArms() with { Seeds = [0, 1] }, new Heard(messages));
        Assert.StartsWith("4 runs, 2 of them there already: 2 to make", messages[0]);
    }

    [Fact]
    public void The_time_is_that_of_finished_runs_of_the_kind_and_else_tried()
    {
        var recipe = Short with { Steps = 100, Loss = new CrossEntropyAlone() };
        var work = Enumerable.Range(0, 4).Select(seed => new PlannedRun($"{seed}", recipe with { Seed = seed }, "CE")).ToArray();
        var results = new RunResults
        {
            Schane = "", Data = "", Model = "", Loss = "", Part = "test", Metrics = new Dictionary<string, double>(), Seed = 0,
            Images = 1, Steps = 100, Seconds = 8
        };
        var data = DataSetup.Open(recipe, null);
        // Three runs of 100 steps of 0.08 s, which take four fifths of a run.
        Assert.EndsWith("3 to make, 100 steps each, 1 at a time on 1 thread, about 30 s by the finished runs.",
            RunEstimate.Sentence(work, new Dictionary<PlannedRun, RunResults> { [work[0]] = results }, 1, data));
        Assert.EndsWith("3 at a time on 1 thread, about 10 s by the finished runs.",
            RunEstimate.Sentence(work, new Dictionary<PlannedRun, RunResults> { [work[0]] = results }, 3, data));
        Assert.Matches("4 to make, 100 steps each, 1 at a time on 1 thread, about .* by a few steps tried here\\.",
            RunEstimate.Sentence(work, new Dictionary<PlannedRun, RunResults>(), 1, data));
    }

    [Fact]
    public void A_run_that_stopped_early_is_named_with_the_way_out()
    {
        CompareJob.Run(TwoArms());
        var results = At("schane-s0", "results.json");
        File.WriteAllText(results, File.ReadAllText(results).Replace("\"steps\":2", "\"steps\":1"));
        Assert.Matches("schane-s0' stopped early, after 1 of 2 steps, and a comparison needs whole runs\\. Delete",
            Assert.Throws<SchaneException>(() => CompareJob.Run(TwoArms())).Message);
        File.Delete(results);
        CompareJob.Run(TwoArms());
    }

    [Fact]
    public void All_arms_can_be_compared_with_one_alone()
    {
        var options = TwoArms();
        var three = options with { Arms = [.. options.Arms, ("supcon", Short with { Loss = new SupConLoss() })], Against = "schane" };
        Assert.Contains("'schame' to compare the others with (did you mean 'schane'?)",
            Assert.Throws<SchaneException>(() => CompareJob.Run(three with { Against = "schame" })).Message);
        Assert.False(Directory.Exists(options.Folder));
        var found = CompareJob.Run(three);
        Assert.Equal([("ce", "schane"), ("supcon", "schane")], found.Bootstrap!.Select(b => (b.First, b.Second)));
        Assert.Equal([("ce", "schane"), ("supcon", "schane")], ComparisonTable.Of(
            Comparison.Load(Path.Combine(options.Folder, "compare.json"))).Differences.Select(d => (d.First.Name, d.Second.Name)));
    }

    [Fact, Needs(Needs.Omniglot)]
    [Trait("Slow", "1")]
    public void Drawings_of_one_shot_runs_are_kept_as_embeddings_that_answer_as_the_run_did()
    {
        var root = Environment.GetEnvironmentVariable("SCHANE_DATA");
        var (run, results) = TrainJob.Run(
            new() { Data = "omniglot:small1", Weights = "none", Steps = 1, Precision = Precision.Float32 },
            new() { Folder = photos.Run, DataRoot = root });
        var drawings = EmbeddedImages.Load(run.Embeddings).Part("runs")!;
        Assert.Equal(800, drawings.Images.Distinct().Count());
        var runs = drawings.Images.Select((name, row) => (Run: name.Split(',')[0], IsTrial: name.Contains("trial"), Row: row))
            .GroupBy(one => one.Run).ToList();
        double Cosine(int a, int b)
        {
            double[] x = [.. drawings.Embeddings.Row(a).ToArray().Select(v => (double)v)],
                y = [.. drawings.Embeddings.Row(b).ToArray().Select(v => (double)v)];
            return x.Zip(y, (p, q) => p * q).Sum() / Math.Sqrt(x.Sum(p => p * p) * y.Sum(q => q * q));
        }
        var wrong = runs.Sum(own => own.Where(one => one.IsTrial).Count(trial =>
            drawings.Embeddings.Labels[own.Where(one => !one.IsTrial).MaxBy(one => Cosine(trial.Row, one.Row)).Row]
                != drawings.Embeddings.Labels[trial.Row]));
        Assert.Equal(results.Metrics["error"], wrong / 400.0, 1e-9);
        var page = File.ReadAllText(run.Report);
        Assert.Contains("of the runs part, coloured by class", page);
        Assert.Contains("\"UklGR", page);
    }

    private CompareOptions TwoArms() =>
        new() { Arms = [("ce", Short with { Loss = new CrossEntropyAlone() }), ("schane", Short)], Folder = photos.Run, Seeds = [0] };

    private string At(string run, string file = "") => Path.Combine(photos.Run, run, file);
}
