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
        File.WriteAllText(At("recipe.yaml"), "# few labels, near twins\ndata: lookalikes:novel\nmodel: tiny\nloss: schane\nlambda: " +
            "0.9\ntemperature: 0.5\nbeta: 1\nseed: 1\n");
    }

    /// <summary>Results without any part of the page but the headline.</summary>
    public static RunResults Results { get; } = new()
    {
        Schane = "0.1.0",
        Data = "lookalikes:novel",
        Model = "tiny",
        Loss = "schane",
        Seed = 1,
        Steps = Steps,
        Seconds = 118.4,
        ImagesPerSecond = 641.2,
        Part = "test",
        Images = 1000,
        Metrics = new Dictionary<string, double> { ["top1"] = 0.5 },
    };

    public string Folder { get; } = Directory.CreateTempSubdirectory("schane-report-").FullName;

    public string Page => At("report.html");

    public string At(string name) => Path.Combine(Folder, name);

    public static string[] Named(int count)
    {
        string[] shapes = ["arrow", "bell", "comb", "disc", "eye", "fork", "gear", "hook", "iris", "jar"];
        string[] traits = ["notched", "striped", "tilted", "plain"];
        return [.. Enumerable.Range(0, count)
            .Select(place => $"{shapes[place / 4 % 10]}-{traits[place % 4]}{(place < 40 ? "" : $"-{place / 40}")}")];
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void WriteJournal()
    {
        var random = new SampleRandom(1, 2, 3);
        using var journal = new Journal(At("journal.jsonl"));
        journal.Write(new StartEvent
        {
            Time = "2026-11-23T21:14:05Z",
            Schane = "0.1.0",
            Data = "lookalikes:novel",
            Model = "tiny",
            Loss = "schane",
            Lambda = 0.9,
            Temperature = 0.5,
            Beta = 1,
            Seed = 1,
            Parameters = 412_904,
            Classes = classes.Length,
            TrainImages = 10 * classes.Length,
            ValImages = 10 * classes.Length,
            TestImages = perClass * classes.Length,
            Steps = Steps,
            Epochs = 120,
            StepsPerEpoch = 10,
            Batch = 64,
            Views = 2,
            Device = "cpu",
            Threads = 2,
            Precision = "float32",
            Kernel = "tiled",
        });
        journal.Write(new WarningEvent(0, "3 images are below 64 pixels and are enlarged."));
        for (var step = 1; step <= Steps; step++)
        {
            var fall = Math.Exp(-step / 300.0);
            var ce = 0.35 + 3.2 * fall + 0.08 * random.Normal();
            var con = 3.1 + 1.6 * fall + 0.05 * random.Normal();
            journal.Write(new StepEvent
            {
                Step = step,
                Epoch = (step - 1) / 10,
                Loss = 0.1 * ce + 0.9 * con,
                Ce = ce,
                Accuracy = 0.97 - 0.7 * fall,
                Con = con,
                Lr = 0.001 * 0.5 * (1 + Math.Cos(Math.PI * step / Steps)) * Math.Min(1, step / 60.0),
                GradNorm = 0.6 + 2 * fall + 0.1 * Math.Abs(random.Normal()),
                WithoutPositives = step % 40 == 0 ? 0.0156 : 0,
                Positives = 7 - (step % 40 == 0 ? 0.1 : 0),
                Negatives = 120,
                Classes = 16,
                EffectiveNegatives = 40 + 60 * fall + random.Normal(),
                PositiveSimilarity = 0.85 - 0.5 * fall,
                NegativeSimilarity = 0.1 + 0.2 * fall,
                HardestNegative = 0.6 + 0.2 * fall,
                ImagesPerSecond = 640 + 25 * random.Normal(),
                Waiting = 0.02,
            });
            if (step % 500 == 0)
                journal.Write(new WarningEvent(step, "A batch had anchors without positives; classes with one image can't give any."));
            if (step % 60 == 0)
                journal.Write(new EvaluationEvent(step, step / 10, "val", new Dictionary<string, double?>
                {
                    ["top1"] = 0.87 - 0.6 * fall,
                    ["ema_top1"] = 0.88 - 0.65 * fall,
                    ["top5"] = 0.985 - 0.4 * fall,
                    ["mean_per_class"] = 0.865 - 0.6 * fall,
                    ["nll"] = 0.4 + 2 * fall,
                }));
        }
        journal.Write(new EndEvent(Steps, 118.4, 0.02, "finished") { Kept = Steps });
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
        (Results with
        {
            Images = images,
            Metrics = new Dictionary<string, double>
            {
                ["top1"] = top1,
                ["top1_low"] = top1 - 0.021,
                ["top1_high"] = top1 + 0.019,
                ["top5"] = 0.985,
                ["mean_per_class"] = top1,
                ["macro_f1"] = top1 - 0.004,
                ["nll"] = 0.512,
                ["ece"] = 0.034,
                ["errors_inside_twin_groups"] = 0.68,
            },
            Classes = classes,
            PerClass = [.. classes.Select((name, truth) => new ClassResult(name, perClass, (double)confusion[truth][truth] / perClass,
                confusion[truth][truth] / Math.Max(1.0, confusion.Sum(row => row[truth])), (double)confusion[truth][truth] / perClass))],
            Confusion = confusion,
            Reliability = [.. Enumerable.Range(0, 15).Select(bin => new ReliabilityBin(bin / 15.0, (bin + 1) / 15.0,
                bin < 3 ? 0 : 4 + bin * bin * images / 1200, bin < 3 ? double.NaN : (bin + 0.55) / 15,
                bin < 3 ? double.NaN : (bin + 0.2) / 15.2))],
        }).Save(At("results.json"));
        return confusion;
    }

    /// <summary>Embeddings near the direction of their class, twins near each other; answers that agree with the confusion matrix;
    /// two suspected labels.</summary>
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
            items.Add(new()
            {
                Image = images.NameOf(image), Group = image, Label = classes[truth], Predicted = classes[taken],
                Confidence = random.Uniform(0.4, 1), Right = truth == taken
            });
        }
        PredictedItem.Save(At("predictions.parquet"), items);
        new EmbeddedImages(new(values, width, [.. Enumerable.Range(0, images.Count).Select(images.LabelOf)], classes),
            [.. items.Select(item => item.Image)], [.. items.Select(_ => "test")])
            .Save(At("embeddings.safetensors"));
        if (pictures)
            new Thumbnails(At("thumbnails")).Keep("test", images, items.Select(item => item.Image));
        static string quoted(string name) => $"\"{name.Replace("\"", "\"\"")}\"";
        File.WriteAllText(At("label-errors.csv"), "rank,path,label,suggested,score\n" + string.Concat(((int[])[2, 1]).Select(rank =>
            $"{rank},{quoted(items[rank].Image)},{quoted(items[rank].Label)},{quoted(classes[rank])},{0.9 / rank:R}\n")));
    }
}
