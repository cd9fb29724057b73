using System.Diagnostics;
using System.Runtime.InteropServices;
using Schane.Losses.Pairs;
using Schane.Losses.Tiled;

namespace Schane.Benchmarks;

/// <summary>How much memory does one step of the tiled loss take beyond embeddings and gradients? And is it right at that size?</summary>
/// <remarks>
/// SCHaNe (τ = 0.5, β = 1) on random rows of 64 classes (fewer below 128 rows), forward and backward, in this process from its
/// start. Prints <c>rows dim milliseconds extra_mb</c> (10^6 bytes) last. Exit 1 above 18 × rows × dim bytes + 48 MB with two
/// threads (more threads: 4 × rows × dim for each further gradient of all rows and 50 × rows for each further thread), or where loss
/// or gradient differ from float64.
/// </remarks>
internal static unsafe class LossMemory
{
    private const int Checked = 64;
    private const double Temperature = 0.5;

    public static int Run(string[] arguments)
    {
        var (rows, width) = (LossSpeed.Option(arguments, "--rows", 8192), LossSpeed.Option(arguments, "--dim", 128));
        var threads = LossSpeed.Option(arguments, "--threads", Math.Min(2, Environment.ProcessorCount));
        if (rows < 2 || width < 1 || (long)rows * width > int.MaxValue)
        {
            Console.Error.WriteLine(
                $"--rows must be at least 2, --dim at least 1 and their product below 2^31, but they are {rows} and {width}.");
            return 2;
        }
        var classes = Math.Clamp(rows / 2, 1, 64);
        using var kernel = new TiledPairLoss(threads);
        var formula = new PairFormula(Temperature, 1);
        var embeddings = Allocate(rows, width);
        var gradient = Allocate(rows, width);
        var labels = new long[rows];
        var random = new Schane.Tensors.SampleRandom(rows, width);
        for (long i = 0; i < (long)rows * width; i++)
            embeddings[i] = (float)(random.NextDouble() + random.NextDouble() - 1);
        for (var i = 0; i < rows; i++)
            labels[i] = i % classes;

        double? Step(int count)
        {
            fixed (long* of = labels)
                return kernel.Compute(embeddings, of, null, new(count, width, 0, 0, count), formula, 1, gradient, null);
        }
        Step(Math.Min(256, rows));
        File.WriteAllText("/proc/self/clear_refs", "5");                                         // VmHWM := what is resident now
        var before = Status("VmHWM");
        var clock = Stopwatch.StartNew();
        var loss = Step(rows);
        var milliseconds = clock.Elapsed.TotalMilliseconds;
        var extra = (Status("VmHWM") - before) / 1e6;

        var gradients = new TilePlan(rows, rows, 192, threads).Gradients;
        var limit =
            (18.0 * rows * width + 48e6 + 4.0 * rows * width * Math.Max(0, gradients - 2) + 50.0 * rows * Math.Max(0, threads - 2)) / 1e6;
        var (right, what) = loss is { } value
            ? Check(embeddings, gradient, rows, width, classes, threads, value) : (false, "the kernel refused");
        Console.WriteLine($"{threads} threads, {gradients} gradients, limit {limit:F0} MB, buffers {kernel.Bytes / 1e6:F1} MB; {what}");
        Console.WriteLine($"{rows} {width} {milliseconds:F1} {extra:F1}");
        return right && extra <= limit ? 0 : 1;
    }

    private static float* Allocate(long rows, long width)
    {
        var memory = (float*)NativeMemory.AlignedAlloc((nuint)(rows * width * sizeof(float)), 64);
        for (long at = 0; at < rows * width; at += 1 << 20)
            new Span<float>(memory + at, (int)Math.Min(1 << 20, rows * width - at)).Clear();
        return memory;
    }

    private static long Status(string key) => File.ReadLines("/proc/self/status").Where(l => l.StartsWith(key, StringComparison.Ordinal))
        .Select(l => long.Parse(l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]) * 1024).Single();

    private static (bool Right, string What) Check(float* embeddings, float* gradient, int rows, int width,
        int classes, int threads, double loss)
    {
        var clock = Stopwatch.StartNew();
        using var exact = new LossCheck(embeddings, rows, width, classes, Temperature, threads);
        var count = Math.Min(Checked, rows);
        var (largest, error) = (0.0, 0.0);
        for (var c = 0; c < count; c++)
        {
            var i = (int)((long)c * (rows - 1) / Math.Max(1, count - 1));
            var row = exact.Gradient(i);
            for (var d = 0; d < width; d++)
                (largest, error) = (Math.Max(largest, Math.Abs(row[d])), Math.Max(error, Math.Abs(row[d] - gradient[(long)i * width + d])));
        }
        var right = Math.Abs(loss - exact.Loss) <= 1e-5 * Math.Max(1, Math.Abs(exact.Loss)) && error <= 1e-5 * largest + 1e-9;
        return (right,
            $"loss {loss:R} against {exact.Loss:R} in float64, gradient of {count} rows within {error / Math.Max(largest, 1e-30):E1} of " +
            $"its largest entry, checked in {clock.Elapsed.TotalSeconds:F1} s{(right ? "" : ": MISMATCH")}");
    }
}
