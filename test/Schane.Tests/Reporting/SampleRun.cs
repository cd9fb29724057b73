using System.Text.Json;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Tests.Reporting;

/// <summary>A run folder with a journal, results and a recipe as a run of 40 classes in groups of near twins would leave them.</summary>
internal sealed class SampleRun : IDisposable
{
    public const int Steps = 1200;

    private readonly string[] classes;
    private readonly int perClass;

    public SampleRun(string[]? classes = null, int perClass = 25, bool write = true, bool pictures = true)
    {
        this.classes = classes ?? Named(40);
        this.perClass = perClass;
        if (!write)
            return;
        WriteJournal();
        WriteImages(WriteResults(), pictures);
        File.WriteAllText(At("recipe.yaml"), "# few labels, near twins\ndata: lookalikes:novel\nmodel: tiny\nloss: schane\nlambda: 0.9\ntemperature: 0.5\nbeta: 1\nseed: 1\n");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("schane-report-").FullName;

    public string Page => At("report.html");

    public string At(string name) => Path.Combine(Folder, name);

    public static string[] Named(int count)
    {
        string[] shapes = ["arrow", "bell", "comb", "disc", "eye", "fork", "gear", "hook", "iris", "jar"];
        string[] traits = ["notched", "striped", "tilted", "plain"];
        return [.. Enumerable.Range(0, count).Select(place => $"{shapes[place / 4 % 10]}-{traits[place % 4]}{(place < 40 ? "" : $"-{place / 40}")}")];
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void WriteJournal()
    {
        var random = new SampleRandom(1, 2, 3);
        using var journal = new StreamWriter(At("journal.jsonl"));
        Line(new
        {
            @event = "start",
            time = "2026-11-23T21:14:05Z",
            schane = "0.1.0",
            data = "lookalikes:novel",
            model = "tiny",
            loss = "schane",
            lambda = 0.9,
            temperature = 0.5,
            beta = 1.0,
            seed = 1,
            parameters = 412_904,
            classes = classes.Length,
            train_images = 10 * classes.Length,
            val_images = 10 * classes.Length,
            test_images = perClass * classes.Length,
            steps = Steps,
            epochs = 120,
            steps_per_epoch = 10,
            batch = 64,
            views = 2,
            device = "cpu",
            threads = 2,
            precision = "float32",
            kernel = "tiled",
        });
        Line(new { @event = "warning", step = 0, message = "3 images are below 64 pixels and are enlarged." });
        for (var step = 1; step <= Steps; step++)
        {
            var fall = Math.Exp(-step / 300.0);
            var ce = 0.35 + 3.2 * fall + 0.08 * random.Normal();
            var con = 3.1 + 1.6 * fall + 0.05 * random.Normal();
            Line(new
            {
                @event = "step",
                step,
                epoch = (step - 1) / 10,
                loss = 0.1 * ce + 0.9 * con,
                ce,
                con,
                lr = 0.001 * 0.5 * (1 + Math.Cos(Math.PI * step / Steps)) * Math.Min(1, step / 60.0),
                grad_norm = 0.6 + 2 * fall + 0.1 * Math.Abs(random.Normal()),
                without_positives = step % 40 == 0 ? 0.0156 : 0,
                positives = 7 - (step % 40 == 0 ? 0.1 : 0),
                negatives = 120,
                classes = 16,
                effective_negatives = 40 + 60 * fall + random.Normal(),
                positive_similarity = 0.85 - 0.5 * fall,
                negative_similarity = 0.1 + 0.2 * fall,
                hardest_negative = 0.6 + 0.2 * fall,
                images_per_second = 640 + 25 * random.Normal(),
                waiting = 0.02,
            });
            if (step % 500 == 0)
                Line(new { @event = "warning", step, message = "A batch had anchors without positives; classes with one image can't give any." });
            if (step % 60 == 0)
                Line(new { @event = "evaluation", step, epoch = step / 10, part = "val", metrics = new { top1 = 0.87 - 0.6 * fall, ema_top1 = 0.88 - 0.65 * fall, top5 = 0.985 - 0.4 * fall, mean_per_class = 0.865 - 0.6 * fall, nll = 0.4 + 2 * fall } });
        }
        Line(new { @event = "a later version's event", step = Steps });
        Line(new { @event = "end", step = Steps, seconds = 118.4, reason = "finished" });

        void Line<T>(T value) => journal.Write(JsonSerializer.Serialize(value) + "\n");
    }

    private int[][] WriteResults()
    {
        var random = new SampleRandom(4, 5, 6);
        var count = classes.Length;
        var confusion = Enumerable.Range(0, count).Select(_ => new int[count]).ToArray();
        for (var truth = 0; truth < count; truth++)
        {
            var hard = random.NextDouble() * 0.3;
            for (var image = 0; image < perClass; image++)
            {
                var taken = random.NextDouble() switch
                {
                    var draw when draw > hard => truth,
                    var draw when draw > 0.3 * hard => truth / 4 * 4 + (truth % 4 ^ 1),
                    _ => (int)(random.NextDouble() * count),
                };
                confusion[truth][Math.Min(taken, count - 1)]++;
            }
        }
        var right = Enumerable.Range(0, count).Sum(truth => confusion[truth][truth]);
        var images = count * perClass;
        var top1 = (double)right / images;
        var results = new
        {
            schane = "0.1.0",
            data = "lookalikes:novel",
            model = "tiny",
            loss = "schane",
            seed = 1,
            steps = Steps,
            seconds = 118.4,
            images_per_second = 641.2,
            part = "test",
            images,
            metrics = new { top1, top1_low = top1 - 0.021, top1_high = top1 + 0.019, top5 = 0.985, mean_per_class = top1, macro_f1 = top1 - 0.004, nll = 0.512, ece = 0.034 },
            classes,
            per_class = classes.Select((name, truth) => new
            {
                @class = name,
                images = perClass,
                accuracy = (double)confusion[truth][truth] / perClass,
                precision = confusion[truth][truth] / Math.Max(1.0, confusion.Sum(row => row[truth])),
                recall = (double)confusion[truth][truth] / perClass,
            }),
            confusion,
            reliability = Enumerable.Range(0, 15).Select(bin => new { low = bin / 15.0, high = (bin + 1) / 15.0, images = bin < 3 ? 0 : 4 + bin * bin * images / 1200, confidence = bin < 3 ? (double?)null : (bin + 0.55) / 15, accuracy = bin < 3 ? (double?)null : (bin + 0.2) / 15.2 }),
            twins = new { share_of_errors = 0.68 },
        };
        File.WriteAllText(At("results.json"), JsonSerializer.Serialize(results));
        return confusion;
    }

    /// <summary>Embeddings near the direction of their class, twins near each other; answers that agree with the confusion matrix; two suspected labels.</summary>
    private void WriteImages(int[][] confusion, bool pictures)
    {
        const int width = 16;
        var images = new SampleImages(classes, perClass);
        var random = new SampleRandom(7, 8, 9);
        var values = new float[images.Count * width];
        var items = new List<PredictedItem>();
        for (var image = 0; image < images.Count; image++)
        {
            var (truth, taken) = (image / perClass, 0);
            for (var before = image % perClass; before >= confusion[truth][taken]; taken++)
                before -= confusion[truth][taken];
            SampleRandom group = new(truth / 4), own = new(truth, 1);
            for (var d = 0; d < width; d++)
                values[image * width + d] = (float)(group.Normal() + 0.5 * own.Normal() + 0.35 * random.Normal());
            items.Add(new() { Image = images.NameOf(image), Group = image, Label = classes[truth], Predicted = classes[taken], Confidence = random.Uniform(0.4, 1), Right = truth == taken });
        }
        PredictedItem.Save(At("predictions.parquet"), items);
        new EmbeddedImages(new(values, width, [.. Enumerable.Range(0, images.Count).Select(images.LabelOf)], classes), [.. items.Select(item => item.Image)], [.. items.Select(_ => "test")])
            .Save(At("embeddings.safetensors"));
        if (pictures)
            new Thumbnails(At("thumbnails")).Keep("test", images, items.Select(item => item.Image));
        static string quoted(string name) => $"\"{name.Replace("\"", "\"\"")}\"";
        File.WriteAllText(At("label-errors.csv"), "rank,path,label,suggested,score\n" + string.Concat(((int[])[2, 1]).Select(rank =>
            $"{rank},{quoted(items[rank].Image)},{quoted(items[rank].Label)},{quoted(classes[rank])},{0.9 / rank:R}\n")));
    }
}
