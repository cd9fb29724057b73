using System.Text.Json;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Jobs;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tests.Data;
using Schane.Training;

namespace Schane.Tests.Jobs;

[Trait("Long", "1")]
public sealed partial class TrainJobTests : IDisposable
{
    private static readonly Recipe Short = new()
    {
        Data = "lookalikes",
        Weights = "none",
        LabelsPerClass = 2,
        Steps = 6,
        ClassesPerBatch = 4,
        ImagesPerClass = 2,
        SaveEvery = 2,
        EvaluateEvery = 100,
        Threads = 1,
        InputSize = 32,
        NoThumbnails = true,
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_same_recipe_gives_the_same_weights_to_the_bit()
    {
        TrainJob.Run(Short, new() { Folder = At("a") });
        TrainJob.Run(Short, new() { Folder = At("b") });
        Assert.Equal(Weights("a"), Weights("b"));
    }

    [Theory]
    [InlineData(1, 4, 2)]
    [InlineData(2, 8, 2)]
    // 128 rows of the 40 classes that there are: 3.2 of each, rounded up
    [InlineData(16, 40, 4)]
    public void A_batch_some_times_as_large_has_more_classes_and_then_more_images_of_each(int times, int classes, int images)
    {
        var large = OpenChoices.Enlarged(Short with { Batch = 10 }, DataSetup.Open(Short, null), times);
        Assert.Equal((classes, images, 10 * times), (large.ClassesPerBatch, large.ImagesPerClass, large.Batch));
    }

    [Fact]
    public void A_finished_run_holds_every_answer_and_the_embeddings_of_its_images()
    {
        var (run, results) = TrainJob.Run(Short, new() { Folder = At("run") });
        var items = PredictedItem.Load(run.Predictions);
        Assert.Equal(results.Images, items.Count);
        Assert.Equal(results.Metrics["top1"], items.Average(i => i.Right ? 1.0 : 0.0), 1e-12);
        Assert.All(items, item => Assert.Equal(item.Right, item.Label == item.Predicted));
        var embedded = EmbeddedImages.Load(run.Embeddings);
        Assert.Equal(80, embedded.Part("train")!.Embeddings.Count);
        Assert.Equal(items.Select(i => i.Image), embedded.Part("test")!.Images);
        Assert.Equal(items.Select(i => i.Label), embedded.Part("test")!.Embeddings.Labels.Select(l => results.Classes![l]));
    }

    [Fact]
    public void A_run_that_was_moved_gives_the_same_report_from_its_folder_alone_with_images_of_at_most_2048_bytes()
    {
        using var photos = Cli.Photos.OfTwoClasses();
        var (run, results) = TrainJob.Run(Short with
        {
            Data = photos.Data,
            NoRefit = true,
            LabelsPerClass = null,
            ClassesPerBatch = 2,
            NoThumbnails = false
        }, new() { Folder = At("run") });
        var page = File.ReadAllBytes(run.Report);
        var pictures = Directory.GetFiles(run.Thumbnails);
        // One of each training and test image, and one that shows where it was seen of each mistake.
        var mistakes = results.Images - results.Confusion!.Select((row, label) => row[label]).Sum();
        Assert.Equal(EmbeddedImages.Load(run.Embeddings).Images.Count - EmbeddedImages.Load(run.Embeddings).Part("val")!.Images.Count
            + mistakes, pictures.Length);
        Assert.All(pictures, file => Assert.InRange(new FileInfo(file).Length, 1, 2048));
        Assert.Contains("\"UklGR", File.ReadAllText(run.Report));                             // how a WebP begins in base64
        foreach (var file in Directory.EnumerateFiles(run.Root).Append(run.Report))
            foreach (var told in (string[])[folder.Path, photos.Root])
                Assert.DoesNotContain(told, System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file)));

        Directory.Delete(photos.Data, recursive: true);
        Directory.Move(At("run"), At("moved"));
        Schane.Reporting.RunReport.Write(At("moved"), Path.Combine(At("moved"), "report.html"));
        Assert.Equal(page, File.ReadAllBytes(Path.Combine(At("moved"), "report.html")));
        var near = TrainingExamples.Open(At("moved"))!;
        Assert.NotNull(near.Thumbnail(0));
    }

    [Fact]
    public void A_run_that_was_stopped_has_a_report_that_says_so()
    {
        StopAfter(3, "stopped");
        Assert.Contains("The run ended early, after step 3 of 6: interrupted.",
            File.ReadAllText(Path.Combine(At("stopped"), "report.html")));
    }

    [Fact]
    public void A_run_that_diverged_has_a_report_that_says_where_and_what_to_do()
    {
        var error = Assert.Throws<DivergedException>(() => TrainJob.Run(Short with { LearningRate = 1e20 },
            new() { Folder = At("diverged") }));
        var page = File.ReadAllText(Path.Combine(At("diverged"), "report.html"));
        Assert.Matches("The run ended early, after step [1-5] of 6: Step [2-6]: ", page);
        Assert.Contains("Lower --lr", page);
        Assert.Contains("Lower --lr", error.Message);
    }

    [Theory]
    [InlineData(7)]                                                       // within the second epoch, when the first one's confusion decides
    [InlineData(4)]                                                       // where an epoch ends
    [Trait("Slow", "1")]
    public void A_run_on_hard_classes_goes_on_to_the_weights_it_would_have_had(int stopped)
    {
        // 40 classes of 2 images, 10 classes a batch: four steps an epoch.
        var hard = Short with { Sampler = SamplerKind.Hard, ClassesPerBatch = 10, Steps = 11 };
        TrainJob.Run(hard with { Sampler = SamplerKind.Balanced }, new() { Folder = At("balanced") });
        TrainJob.Run(hard, new() { Folder = At("whole") });
        StopAfter(stopped, "stopped", hard);
        TrainJob.Resume(At("stopped"));
        Assert.Equal(Weights("whole"), Weights("stopped"));
        Assert.NotEqual(Weights("balanced"), Weights("whole"));
        Assert.Equal(Losses("balanced").Take(4), Losses("whole").Take(4)); // the first epoch knows of no confusion
        Assert.NotEqual(Losses("balanced").Take(5), Losses("whole").Take(5));
    }

    [Fact]
    public void Hard_classes_need_a_classifier_and_unmixed_images()
    {
        var hard = Short with { Sampler = SamplerKind.Hard };
        Assert.Contains("lambda 1 trains no classifier", Assert.Throws<SchaneException>(() =>
            TrainJob.Run(hard with { Lambda = 1 }, new() { Folder = At("a") })).Message);
        Assert.Contains("mixup", Assert.Throws<SchaneException>(() =>
            TrainJob.Run(hard with { Mixup = 0.8 }, new() { Folder = At("b") })).Message);
    }

    [Trait("Slow", "1")]
    [Fact]
    public void An_existing_run_is_refused_unless_forced_and_another_folder_is_never_touched()
    {
        TrainJob.Run(Short with { Steps = 1, Loss = new CrossEntropyAlone() }, new() { Folder = At("run") });
        Assert.Contains("--resume", Assert.Throws<SchaneException>(() => TrainJob.Run(Short, new() { Folder = At("run") })).Message);
        TrainJob.Run(Short with { Steps = 1 }, new() { Folder = At("run"), Force = true });
        File.WriteAllText(folder.Write("mine/notes.txt", "text"u8.ToArray()), "keep");
        Assert.Contains("holds no run", Assert.Throws<SchaneException>(() =>
            TrainJob.Run(Short, new() { Folder = At("mine"), Force = true })).Message);
        Assert.Equal("keep", File.ReadAllText(Path.Combine(At("mine"), "notes.txt")));
    }

    [Fact]
    public void Two_processes_cannot_work_on_one_run()
    {
        TrainJob.Run(Short with { Steps = 1 }, new() { Folder = At("run") });
        using var held = Schane.Runs.RunFolder.Open(At("run")).Lock();
        Assert.Contains("Another process", Assert.Throws<SchaneException>(() => TrainJob.Resume(At("run"))).Message);
    }

    [Fact]
    public void A_run_of_a_later_version_is_refused()
    {
        TrainJob.Run(Short with { Steps = 1 }, new() { Folder = At("run") });
        File.WriteAllText(Path.Combine(At("run"), "run.json"), """{"format": 99}""");
        Assert.Contains("update schane", Assert.Throws<SchaneException>(() => EvaluateJob.Run(At("run"))).Message);
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    private byte[] Weights(string name) => File.ReadAllBytes(Path.Combine(At(name), "model.safetensors"));

    private List<JsonElement> StepsOf(string name) =>
        [.. File.ReadLines(Path.Combine(At(name), "journal.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
        .Where(e => e.GetProperty("event").GetString() == "step")];

    private List<long> Steps(string name) =>
        [.. File.ReadLines(Path.Combine(At(name), "journal.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
        .Where(e => e.GetProperty("event").GetString() == "step").Select(e => e.GetProperty("step").GetInt64())];

    private List<double> Losses(string name) =>
        [.. File.ReadLines(Path.Combine(At(name), "journal.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
        .Where(e => e.GetProperty("event").GetString() == "step").Select(e => e.GetProperty("loss").GetDouble())];

    private Precision Chosen(string name) => RecipeFile.Load(Path.Combine(At(name), "recipe.yaml")).Precision;

    private void StopAfter(long step, string name, Recipe? recipe = null)
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => TrainJob.Run(recipe ?? Short,
            new() { Folder = At(name), Progress = new Stopper(step, stop) }, stop.Token));
    }

    private sealed class Stopper(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
                stop.Cancel();
        }
    }
}
