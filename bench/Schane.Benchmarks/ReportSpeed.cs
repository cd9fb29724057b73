using System.Text.Json;
using Schane.Data;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Reporting;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Benchmarks;

/// <summary>How long does the report of 50,000 test images take, and how large is it? Baseline: the same run without embeddings, so without
/// map, pairs and images.</summary>
internal static class ReportSpeed
{
    public static int Run(string[] args)
    {
        var width = args is ["--width", var given] ? int.Parse(given) : 192;
        const int classes = 120, images = 50_000;
        var folder = Directory.CreateTempSubdirectory("schane-report-").FullName;
        try
        {
            MakeRun(folder, classes, images, width);
            var page = Path.Combine(folder, "report.html");
            RunReport.Write(folder, page, new Keeper(new(Path.Combine(folder, "thumbnails")), new(images)));
            var whole = Time(() => RunReport.Write(folder, page));
            var bytes = new FileInfo(page).Length;
            var embeddings = EmbeddedImages.Load(Path.Combine(folder, "embeddings.safetensors")).Embeddings;
            var pairs = Time(() => HardestNegatives.Of(embeddings));
            var axes = Time(() => PrincipalAxes.Of(embeddings, 50));
            var drawn = PrincipalAxes.Of(embeddings.Rows(EvenShare.Rows(embeddings.Labels, Thumbnails.MostOfPart)), 50).Coordinates;
            var map = Time(() => Tsne.Map(drawn));
            File.Delete(Path.Combine(folder, "embeddings.safetensors"));
            var plain = Time(() => RunReport.Write(folder, page));
            Console.WriteLine(
                "| images | classes | width | report (limit 15 s) | MB (limit 15) | without embeddings | hardest pairs | PCA | t-SNE |");
            Console.WriteLine($"| {images:N0} | {classes} | {width} | {Shown(whole)} | {bytes / 1e6:0.0} | {Shown(plain)} | " +
                $"{Shown(pairs)} | {Shown(axes)} | {Shown(map)} |");
            Console.WriteLine("Wall seconds (process CPU seconds).");
            return whole.Wall <= 15_000 && bytes <= 15_000_000 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Times Time(Action action) => Times.Of(action, repetitions: 1, threads: 1);

    private static string Shown(Times time) => $"{time.Wall / 1e3:0.0} ({time.Cpu / 1e3:0.0})";

    private static void MakeRun(string folder, int classes, int images, int width)
    {
        var random = new SampleRandom(1);
        string[] names = [.. Enumerable.Range(0, classes).Select(c => $"class {c}")];
        var confusion = Enumerable.Range(0, classes).Select(_ => new int[classes]).ToArray();
        var items = new PredictedItem[images];
        var values = new float[images * width];
        var centres = new float[classes * width];
        for (var i = 0; i < centres.Length; i++)
            centres[i] = (float)random.Normal();
        for (var i = 0; i < images; i++)
        {
            var (truth, answer) = (i % classes, random.NextDouble() < 0.85 ? i % classes : random.Below(classes));
            confusion[truth][answer]++;
            items[i] = new()
            {
                Image = Noise.Called(i), Group = i, Label = names[truth], Predicted = names[answer],
                Confidence = random.Uniform(0.3, 1), Right = truth == answer
            };
            for (var d = 0; d < width; d++)
                values[i * width + d] = centres[truth * width + d] + (float)random.Normal();
        }
        PredictedItem.Save(Path.Combine(folder, "predictions.parquet"), items);
        new EmbeddedImages(new(values, width, [.. Enumerable.Range(0, images).Select(i => i % classes)], names),
            [.. items.Select(item => item.Image)], [.. items.Select(_ => "test")]).Save(Path.Combine(folder, "embeddings.safetensors"));
        File.WriteAllText(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(new
        {
            part = "test",
            images,
            metrics = new { top1 = items.Average(item => item.Right ? 1.0 : 0) },
            classes = names,
            per_class = names.Select((name, c) => new
            { @class = name, images = confusion[c].Sum(), accuracy = confusion[c][c] / (double)confusion[c].Sum(), precision = 0.8 }),
            confusion,
        }));
        File.WriteAllLines(Path.Combine(folder, "journal.jsonl"), Enumerable.Range(1, 50_000).Select(step => JsonSerializer.Serialize(new
        {
            @event = "step", step, loss = 2.0 / step, ce = 1.0 / step, con = 3.0 / step, lr = 1e-3, negatives = 100,
            effective_negatives = 50
        })));
    }

    private sealed class Keeper(Thumbnails thumbnails, Noise images) : IImageKeeper
    {
        public void KeepThumbnails(string part, IEnumerable<string> names, bool atLeisure = false) =>
            thumbnails.Keep(part, images, names);

        public void KeepActivations(string part, IReadOnlyDictionary<string, string> takenFor) { }
    }

    /// <summary>Images that fill what a thumbnail may have.</summary>
    private sealed class Noise(int images) : IImageDataset
    {
        public string Name => "noise";

        public IReadOnlyList<string> Classes => ["noise"];

        public int Count => images;

        public static string Called(int index) => $"test/class {index % 120}/{index:d5}.jpg";

        public int LabelOf(int index) => 0;

        public string NameOf(int index) => Called(index);

        public Image8 Read(int index)
        {
            var random = new SampleRandom(index);
            var pixels = new byte[96 * 96 * 3];
            for (var i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)(128 + 90 * Math.Sin(i / 300.0 + index) + random.Below(24));
            return new(96, 96, 3, pixels);
        }
    }
}
