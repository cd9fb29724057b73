using System.Globalization;
using Schane.Export;
using Schane.Jobs;

namespace Schane.Benchmarks;

/// <summary>What does a run lose in int8, and how much smaller and faster is its file? The certificate of `export --store int8`, both files
/// in turn in one process, a line of docs/performance.md each.</summary>
internal static class Int8Gain
{
    public static int Run(string[] arguments)
    {
        foreach (var run in arguments)
        {
            var folder = Directory.CreateTempSubdirectory("schane-int8-");
            try
            {
                var found = ExportJob.Run(run, Path.Combine(folder.FullName, "model.onnx"),
                    new OnnxOptions { Weights = OnnxWeights.Int8, Int8Limit = 1 }).Int8!;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {Path.GetFileName(run.TrimEnd('/'))}, {found.Images} " +
                    $"images | {found.Bytes / 1e6:0.0} → {found.Int8Bytes / 1e6:0.0} | {100 * found.Top1:0.0} → " +
                    $"{100 * found.Int8Top1:0.0} % | {100 * found.Loss:0.0} ({100 * found.LossLow:0.0} to {100 * found.LossHigh:0.0}) | " +
                    $"{found.Agreement:0.0 %} | {found.Milliseconds:0.00} → {found.Int8Milliseconds:0.00} ms, " +
                    $"{found.OneImageSpeedup:0.00} × | {found.BatchSpeedup:0.00} × |"));
                Console.WriteLine($"{found.Machine}, {found.Threads} threads, {found.Runtime}");
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        return 0;
    }
}
