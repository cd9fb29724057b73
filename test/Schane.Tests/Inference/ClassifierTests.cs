using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Schane.Data.Feeding;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Jobs;
using Schane.Runs;
using Schane.Tests.Data;

namespace Schane.Tests.Inference;

[Collection(TrainedRunTests.Name)]
public sealed class ClassifierTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_stream_a_file_a_list_and_the_safetensors_file_alone_give_one_answer()
    {
        using var classifier = Classifier.Load(run.Folder);
        using var file = Classifier.Load(Path.Combine(run.Folder, "model.safetensors"));
        using var stream = File.OpenRead(run.Red);
        var answer = classifier.Predict(stream);
        Assert.Equal("red", answer.Class);
        Assert.Equal("image", answer.Image);
        Assert.Equal(["blue", "red"], classifier.Classes.Order());
        Assert.Equal(1, answer.Top.Sum(t => t.Probability), 1e-9);
        Assert.Equal(answer.Top, classifier.Predict(run.Red).Top);
        Assert.Equal(answer.Top, file.Predict(run.Red).Top);
        var many = classifier.PredictFiles([run.Blue, run.Red, run.Blue]).ToList();
        Assert.Equal([run.Blue, run.Red, run.Blue], many.Select(m => m.Image));
        Assert.Equal(answer.Top[0].Probability, many[1].Top[0].Probability, 1e-5);
    }

    [Fact]
    public void A_run_is_measured_by_the_probabilities_that_predict_gives()
    {
        using var classifier = Classifier.Load(run.Folder);
        Assert.True(Math.Abs(classifier.Confidence!.Temperature - 1) > 0.01);
        var items = PredictedItem.Load(Path.Combine(run.Folder, "predictions.parquet"));
        var answers = items.Select(item => classifier.Predict(Path.Combine(run.Data, item.Image)).Top).ToList();
        Assert.All(items.Zip(answers), both => Assert.Equal(both.Second[0].Probability, both.First.Confidence, 1e-5));
        var metrics = RunResults.Load(Path.Combine(run.Folder, "results.json")).Metrics;
        var nll = items.Zip(answers).Average(both => -Math.Log(both.Second.Single(t => t.Class == both.First.Label).Probability));
        Assert.Equal(nll, metrics["nll"], 1e-5);
        Assert.NotEqual(metrics["nll_raw"], metrics["nll"], 1e-3);
    }

    [Fact]
    public async Task Many_threads_get_the_answers_that_one_gets()
    {
        using var classifier = Classifier.Load(run.Folder);
        string[] images = [.. Directory.GetFiles(run.Data, "*.png", SearchOption.AllDirectories)];
        var alone = images.Select(image => classifier.Predict(image).Top[0]).ToArray();
        var together = new ClassProbability[images.Length];
        await Parallel.ForAsync(0, images.Length, new ParallelOptions
        { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancel) =>
        {
            await using var stream = File.OpenRead(images[i]);
            together[i] = (await classifier.PredictAsync(stream, cancellationToken: cancel)).Top[0];
        });
        Assert.Equal(alone, together);
    }

    [Fact]
    public void An_exported_file_gives_the_answers_of_the_run_from_any_number_of_threads()
    {
        using var classifier = Classifier.Load(run.Folder);
        using var exported = Classifier.Load(Exported());
        Assert.Equal(classifier.Classes, exported.Classes);
        Assert.Equal(classifier.EmbeddingWidth, exported.EmbeddingWidth);
        Assert.Equal(classifier.Confidence!.Temperature, exported.Confidence!.Temperature);
        string[] images = [.. Directory.GetFiles(run.Data, "*.png", SearchOption.AllDirectories)];
        Parallel.ForEach(images, image =>
        {
            var (expected, found) = (classifier.Predict(image), exported.Predict(image, new() { Embedding = true }));
            Assert.Equal(expected.Top[0].Class, found.Top[0].Class);
            Assert.Equal(expected.Top[0].Probability, found.Top[0].Probability, 1e-4);
        });
    }

    private string Exported()
    {
        var path = Path.Combine(folder.Path, "colours.onnx");
        ExportJob.Run(run.Folder, path);
        return path;
    }

    [Fact]
    public void A_bad_image_stops_the_work_or_is_named_and_the_rest_is_answered()
    {
        var bad = folder.Write("notes.png", "not an image"u8.ToArray());
        using var logs = new Logs();
        using var classifier = Classifier.Load(run.Folder, new() { Batch = 2, Logger = logs });
        Assert.Contains("notes.png", Assert.Throws<SchaneException>(() => classifier.PredictFiles([run.Red, bad]).Count()).Message);
        var reports = new List<int>();
        var found = classifier.PredictFiles([run.Red, bad, run.Blue], new() { OnBadImage = OnBadImage.Skip },
            new Reports(reports)).ToList();
        Assert.Equal(["red", null, "blue"], found.Select(f => f.Class));
        Assert.Contains("notes.png", found[1].Problem);
        Assert.Equal([2, 3], reports);
        Assert.Contains(logs.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("notes.png"));
        Assert.Contains(logs.Lines, line => line.StartsWith("Information: Loaded", StringComparison.Ordinal));
    }

    [Fact]
    public void A_image_of_any_size_is_answered_and_a_video_is_refused_by_what_it_is()
    {
        using var classifier = Classifier.Load(run.Folder);
        Assert.Equal("red", classifier.Predict(folder.Write("wide.png", Pictures.Flat(311, 7, 60, 20, 200))).Class);
        var video = folder.Write("film.jpg", [0, 0, 0, 24, .. "ftypmp42"u8, 0, 0, 0, 0]);
        Assert.Contains("video", Assert.Throws<SchaneException>(() => classifier.Predict(video)).Message);
    }

    [Fact]
    public void A_stream_over_the_limits_is_refused_before_it_is_read_whole()
    {
        using var classifier = Classifier.Load(run.Folder, new() { Limits = new() { MaxMegabytes = 1, MaxPixels = 1000 } });
        using var endless = new Endless();
        Assert.Contains("more than 1 MiB", Assert.Throws<SchaneException>(() => classifier.Predict(endless)).Message);
        Assert.InRange(endless.Given, 1 << 20, 2 << 20);
        Assert.Contains("pixels", Assert.Throws<SchaneException>(() => classifier.Predict(run.Red)).Message);
    }

    [Fact]
    public void A_cancelled_call_and_a_cancelled_pass_stop()
    {
        using var classifier = Classifier.Load(run.Folder, new() { Batch = 1 });
        using var stop = new CancellationTokenSource();
        var seen = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var _ in classifier.PredictFiles(Enumerable.Repeat(run.Red, 50), cancellationToken: stop.Token))
                if (++seen == 2)
                    stop.Cancel();
        });
        Assert.Equal(2, seen);
    }

    [Fact]
    public async Task The_embedding_comes_when_asked_for_and_is_that_of_Embed()
    {
        using var classifier = Classifier.Load(run.Folder);
        await using var stream = File.OpenRead(run.Red);
        var embedding = classifier.Embed(stream);
        Assert.Equal(classifier.EmbeddingWidth, embedding.Length);
        Assert.Equal(embedding, classifier.Predict(run.Red, new() { Embedding = true }).Embedding);
        Assert.Null(classifier.Predict(run.Red).Embedding);
    }

    [Fact]
    public void Services_get_one_classifier_that_tells_their_log()
    {
        using var logs = new Logs();
        var services = new ServiceCollection().AddSingleton<ILogger<Classifier>>(logs).AddSchane(run.Folder);
        using (var provider = services.BuildServiceProvider())
            Assert.Same(provider.GetRequiredService<Classifier>(), provider.GetRequiredService<Classifier>());
        Assert.Single(logs.Lines, line => line.Contains("Loaded schane_tiny with 2 classes"));
    }

    [Fact]
    public void Answers_below_the_asked_precision_are_withheld()
    {
        using var classifier = Classifier.Load(run.Folder);
        var point = classifier.ThresholdAt(0.9);
        Assert.InRange(point.Accuracy, 0.9, 1);
        var gray = classifier.Predict(folder.Write("between.png", Pictures.Flat(40, 40, 105, 30, 155)), new() { AbstainBelow = 0.9 });
        Assert.Equal(gray.Top[0].Probability < point.Threshold, gray.Withheld);
        Assert.Equal(gray.Withheld, gray.Class is null);
        Assert.Contains("must lie above 0", Assert.Throws<SchaneException>(() => classifier.ThresholdAt(1.5)).Message);
    }

    private sealed class Reports(List<int> into) : IProgress<int>
    {
        public void Report(int value) => into.Add(value);
    }

    private sealed class Logs : ILogger<Classifier>, IDisposable
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (Lines)
                Lines.Add($"{logLevel}: {formatter(state, exception)}");
        }

        public void Dispose() { }
    }

    private sealed class Endless : Stream
    {
        public long Given { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Given += count;
            return count;
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
