using System.Diagnostics;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tensors;
using SkiaSharp;

namespace Schane.Benchmarks;

/// <summary>
/// What does an image cost before the model sees it? Processor time of one thread, so that other work on the machine doesn't count: 500 ×
/// 375 JPEGs of quality 90 (about 80 KB) through decode and transforms, and small images from memory.
/// </summary>
internal static class DataSpeed
{
    public static int Run()
    {
        var files = Enumerable.Range(0, 40).Select(Jpeg).ToArray();
        var decoded = files.Select(f => ImageDecoder.Decode(f, "photo.jpg")).ToArray();
        var output = new float[3 * 224 * 224];
        var folder = Directory.CreateTempSubdirectory("schane-data-speed-").FullName;
        try
        {
            var paths = files.Select((bytes, i) => Path.Combine(folder, $"{i}.jpg")).ToArray();
            for (var i = 0; i < files.Length; i++)
                File.WriteAllBytes(paths[i], files[i]);
            DataAgainstTorchvision.Run(folder, paths);
            Directory.CreateDirectory(Path.Combine(folder, "set", "one"));
            for (var i = 0; i < files.Length; i++)
                File.WriteAllBytes(Path.Combine(folder, "set", "one", $"{i}.jpg"), files[i]);
            Threads(ImageFolder.Open(Path.Combine(folder, "set"), new() { MinClasses = 1 }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        Console.WriteLine(
            $"{files.Average(f => f.Length) / 1024:f0} KiB a file; microseconds of processor time an image: median (least) of 5 rounds");
        var whole = Report("decode whole, crop to 224, flip, normalise", 40,
            i => Apply(Pipeline("standard", 224), ImageDecoder.Decode(files[i % 40], "photo.jpg"), i, output));
        var rows = Report("decode the rows of the crop, the same", 40,
            i => ApplyToFile(Pipeline("standard", 224), files[i % 40], i, output));
        var augmented = Report("the same with RandAugment(2, 9)", 40,
            i => ApplyToFile(Pipeline("randaugment", 224), files[i % 40], i, output));
        Console.WriteLine($"rows of the crop ÷ whole: {rows / whole:f2}; RandAugment adds {augmented / rows - 1:p0}");
        foreach (var preset in new[] { "standard", "light", "supcon", "simclr", "none" })
            Report($"'{preset}' on a decoded image, 224", 40, i => Apply(Pipeline(preset, 224), decoded[i % 40], i, output));

        var small = new Image8(32, 32, 3, [.. decoded[0].Pixels.Take(3072)]);
        Report("'standard' on 32 × 32 from memory", 1000, i => Apply(Pipeline("standard", 32), small, i, output.AsSpan(0, 3072)));
        FromMemory();
        var drawing = new Image8(48, 48, 1, [.. decoded[0].Pixels.Take(48 * 48)]);
        var warp = TransformPreset.Find("omniglot").Training(new(1, 48, [0], [1]));
        Report("'omniglot' on 48 × 48 gray from memory", 1000, i => Apply(warp, drawing, i, output.AsSpan(0, 48 * 48)));
        return 0;
    }

    private static readonly Dictionary<(string, int), ImagePipeline> Pipelines = [];

    private static ImagePipeline Pipeline(string preset, int size) => Pipelines.TryGetValue((preset, size), out var known) ? known
        : Pipelines[(preset, size)] = TransformPreset.Find(preset)
            .Training(new(3, size, [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]));

    private static void Apply(ImagePipeline pipeline, Image8 image, int index, Span<float> output)
    {
        var random = new SampleRandom(1, 0, index, 0);
        pipeline.Apply(image, ref random, output);
    }

    private static void ApplyToFile(ImagePipeline pipeline, byte[] file, int index, Span<float> output)
    {
        var random = new SampleRandom(1, 0, index, 0);
        pipeline.ApplyToFile(file, "photo.jpg", ImageLimits.Default, ref random, output);
    }

    private static double Report(string what, int count, Action<int> one)
    {
        for (var i = 0; i < count; i++)
            one(i);
        var rounds = Enumerable.Range(0, 5).Select(_ =>
        {
            var start = Used();
            for (var i = 0; i < count; i++)
                one(i);
            return (Used() - start).TotalMicroseconds / count;
        }).Order().ToList();
        Console.WriteLine($"{what,-48} {rounds[2],8:f1} ({rounds[0]:f1})");
        return rounds[0];
    }

    /// <summary>Images a second of the loader with one thread and with two, by the clock: rounds take turns. Only a
    /// quiet machine tells.</summary>
    private static void Threads(ImageFolder images)
    {
        var pipeline = Pipeline("standard", 224);
        double Rate(int workers)
        {
            using var loader = new BatchLoader(images, new SequentialSampler(images.Count, 20), pipeline, new() { Workers = workers });
            for (var i = 0; i < 4; i++)
                loader.Next().Dispose();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < 20; i++)
                loader.Next().Dispose();
            return 400 / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        var rounds = Enumerable.Range(0, 5).Select(_ => (One: Rate(1), Two: Rate(2))).ToList();
        Console.WriteLine($"loader, images a second: one thread {rounds.Max(r => r.One):f0}, two {rounds.Max(r => r.Two):f0}; two ÷ one " +
            $"{rounds.Select(r => r.Two / r.One).Order().ElementAt(2):f2} (median of 5 pairs), best ÷ best " +
            $"{rounds.Max(r => r.Two) / rounds.Max(r => r.One):f2}");
    }

    /// <summary>Processor time of all threads for batches of 128 images of 32 × 32 that are in memory, tensors
    /// and labels included.</summary>
    private static void FromMemory()
    {
        const int count = 1280, batches = 100;
        NativeMemory.KeepFreedPages();                                    // as training does
        var bytes = new byte[count * 3072];
        new Random(1).NextBytes(bytes);
        var images = new PackedImages("memory", ["one"], new int[count], bytes, (32, 32), 3072, 0, planar: true);
        foreach (var preset in new[] { "standard", "none" })
        {
            using var loader = new BatchLoader(images, new SequentialSampler(count, 128), Pipeline(preset, 32), new());
            for (var i = 0; i < 20; i++)
                loader.Next().Dispose();
            var rounds = Enumerable.Range(0, 5).Select(_ =>
            {
                var start = Used();
                for (var i = 0; i < batches; i++)
                    loader.Next().Dispose();
                return (Used() - start).TotalMicroseconds / batches / 128;
            }).Order().ToList();
            Console.WriteLine($"{$"a batch of 32 × 32 from memory, '{preset}', an image",-48} {rounds[2],8:f1} ({rounds[0]:f1})");
        }
    }

    internal static TimeSpan Used()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    // Smooth shapes and some noise, as photographs have them.
    private static byte[] Jpeg(int seed)
    {
        using var bitmap = new SKBitmap(500, 375);
        var random = new SampleRandom(seed);
        for (var y = 0; y < 375; y++)
            for (var x = 0; x < 500; x++)
            {
                var noise = random.Below(41) - 20;
                byte Level(double fx, double fy) => (byte)Math.Clamp(128 + 90 * Math.Sin(x * fx + seed) * Math.Cos(y * fy) + noise, 0, 255);
                bitmap.SetPixel(x, y, new(Level(0.031, 0.043), Level(0.052, 0.021), Level(0.017, 0.061)));
            }
        using var image = SKImage.FromBitmap(bitmap);
        return image.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray();
    }
}
