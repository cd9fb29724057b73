using System.Diagnostics;
using Schane.Checkpoints;
using Schane.Models;

namespace Schane.Benchmarks;

/// <summary>What does it cost to load a safetensors file of 350 MB: private memory in parts of its size, and time beside a
/// plain read of the file?</summary>
internal static class LoadSpeed
{
    private const string Name = "vit_base_patch16_224";

    public static int Run()
    {
        var path = Path.Combine(Path.GetTempPath(), $"schane-load-{Environment.ProcessId}.safetensors");
        try
        {
            using (var model = new ImageClassifier(ModelRegistry.Create(Name, seed: 0), 1000))
                Safetensors.Write(path, model.StateDict());
            var bytes = new FileInfo(path).Length;
            double memory = 0, load = double.MaxValue, read = double.MaxValue;
            for (var round = 0; round < 3; round++)                       // in turn; the file is in the page cache for both
            {
                read = Math.Min(read, Seconds(() => Read(path)));
                GC.Collect();
                var before = Private();
                using var model = new ImageClassifier(ModelRegistry.Uninitialised(Name), 1000);
                load = Math.Min(load, Seconds(() =>
                {
                    using var file = CheckpointFile.Open(path);
                    model.Load(file);
                }));
                memory = Math.Max(memory, Private() - before);
            }
            Console.WriteLine($"{bytes / 1e6:F0} MB: RssAnon grows by {memory / 1e6:F0} MB ({memory / bytes:F3} of the file); loaded at " +
                $"{bytes / load / 1e9:F2} GB/s, a plain read does {bytes / read / 1e9:F2} GB/s");
            return 0;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0);
        var buffer = new byte[1 << 20];
        while (file.Read(buffer) > 0) { }
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    private static double Private() =>
        1024.0 * long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], System.Globalization.CultureInfo.InvariantCulture);
}
