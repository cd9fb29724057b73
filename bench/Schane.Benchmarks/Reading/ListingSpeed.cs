using System.Diagnostics;
using System.Globalization;
using Schane.Data.Reading;
using Schane.Planning;
using Schane.Recipes;

namespace Schane.Benchmarks.Reading;

/// <summary>What does it cost to account for many files and rows, how does that grow, and how much more does a training need that uses
/// 10,000 of them? Names alone, on a disk in memory, removed afterwards.</summary>
internal static class ListingSpeed
{
    private const int Classes = 1000, Used = 10_000;

    public static int Run(string[] arguments)
    {
        int[] counts = arguments.Length > 0 ? [.. arguments.Select(a => int.Parse(a, CultureInfo.InvariantCulture))]
            : [10_000, 100_000, 1_000_000];
        var root = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"schane-listing-{Guid.NewGuid():N}");
        try
        {
            foreach (var count in counts)
            {
                var folder = Path.Combine(root, $"{count}");
                Make(folder, count);
                var list = Path.Combine(root, $"{count}.csv");
                File.WriteAllLines(list, Enumerable.Range(0, count).Select(i => Row(i)).Prepend("path,label"));
                Measure($"{count,9:N0} files, listed", count, () => ImageFolder.Open(folder).Count);
                Measure($"{count,9:N0} rows, listed", count, () => ImageIndex.Open(list).Count);
                foreach (var (what, data) in new[] { ("files", folder), ("rows", list) })
                    Measure($"{count,9:N0} {what}, listed, divided, {Used:N0} kept", Used / 2, () => DataSetup.Open(
                        new Recipe { Data = data, LabelsPerClass = Used / Classes }, null).Train.Count);
                Directory.Delete(folder, recursive: true);
            }
        }
        finally
        {
            if (Directory.Exists(root))
                Directory.Delete(root, recursive: true);
        }
        return 0;
    }

    private static string Row(int i) => $"class{i % Classes:0000}/image{i:0000000}.jpg,class{i % Classes:0000}";

    private static void Make(string folder, int count)
    {
        for (var c = 0; c < Math.Min(Classes, count); c++)
            Directory.CreateDirectory(Path.Combine(folder, $"class{c:0000}"));
        for (var i = 0; i < count; i++)
            File.Create(Path.Combine(folder, Row(i).Split(',')[0]), bufferSize: 1).Dispose();
    }

    private static void Measure(string what, int least, Func<int> work)
    {
        GC.Collect();
        var (before, clock) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
        var found = work();
        var seconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        if (found < least)
            throw new InvalidOperationException($"{what}: {found} of at least {least} were found.");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {seconds:0.00} s of processor, " +
            $"{clock.Elapsed.TotalSeconds:0.00} s, largest process so far {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB"));
    }
}
