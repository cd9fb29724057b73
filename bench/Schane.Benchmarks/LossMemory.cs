using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Schane.Losses;
using Schane.Losses.Tiled;

namespace Schane.Benchmarks;

/// <summary>How much memory does one step of the tiled loss take beyond embeddings and gradients? And is it right at that size?</summary>
/// <remarks>
/// SCHaNe (τ = 0.5, β = 1) on random rows of 64 classes (fewer below 128 rows), forward and backward, in this process from its start. Prints <c>rows dim milliseconds extra_mb</c> (10^6 bytes) last.
/// Exit 1 above 18 × rows × dim bytes + 48 MB with two threads (8 × rows × dim more for each further one), or where loss or gradient differ from float64.
/// </remarks>
internal static unsafe class LossMemory
{
    private const int Checked = 64;
    private const double Temperature = 0.5;

    public static int Run(string[] arguments)
    {
        var (rows, width) = (LossSpeed.Option(arguments, "--rows", 8192), LossSpeed.Option(arguments, "--dim", 128));
        var threads = LossSpeed.Option(arguments, "--threads", Math.Min(8, Environment.ProcessorCount));
        if (rows < 2 || width < 1 || (long)rows * width > int.MaxValue)
        {
            Console.Error.WriteLine($"--rows must be at least 2, --dim at least 1 and their product below 2^31, but they are {rows} and {width}.");
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

        var limit = (18.0 * rows * width + 48e6 + 8.0 * rows * width * Math.Max(0, threads - 2)) / 1e6;
        var (right, what) = loss is { } value ? Check(embeddings, gradient, rows, width, classes, value) : (false, "the kernel refused");
        Console.WriteLine($"{threads} threads, limit {limit:F0} MB, buffers {kernel.Bytes / 1e6:F1} MB; {what}");
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

    private static long Status(string key) => File.ReadLines("/proc/self/status").Where(l => l.StartsWith(key, StringComparison.Ordinal)).Select(l => long.Parse(l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]) * 1024).Single();

    // Every row against every other in float64, for the loss; then the gradient of some rows, which takes the sums of all.
    private static (bool Right, string What) Check(float* embeddings, float* gradient, int rows, int width, int classes, double loss)
    {
        var norms = new double[rows];
        var units = new double[(long)rows * width];
        for (var i = 0; i < rows; i++)
        {
            var sum = 0.0;
            for (long d = (long)i * width, end = d + width; d < end; d++)
                sum += (double)embeddings[d] * embeddings[d];
            norms[i] = Math.Sqrt(sum);
            for (long d = (long)i * width, end = d + width; d < end; d++)
                units[d] = embeddings[d] / norms[i];
        }

        var sums = new (double Positive, double Attraction, double Norm, double Hard, int Positives)[rows];
        Parallel.For(0, rows, i =>
        {
            ref var own = ref sums[i];
            for (var j = 0; j < rows; j++)
            {
                if (j == i)
                    continue;
                var s = Dot(units, i, j, width) / Temperature;
                var e = Math.Exp(s);
                if (j % classes == i % classes)
                    (own.Positive, own.Attraction, own.Positives) = (own.Positive + e, own.Attraction + s, own.Positives + 1);
                else
                    (own.Norm, own.Hard) = (own.Norm + e, own.Hard + e * e);
            }
        });

        var (total, anchors) = (0.0, sums.Count(s => s.Positives > 0));
        var denominators = new double[rows];
        for (var i = 0; i < rows; i++)
        {
            var own = sums[i];
            var negatives = rows - 1 - own.Positives;
            denominators[i] = own.Positive + (negatives > 0 ? negatives * own.Hard / own.Norm : 0);
            if (own.Positives > 0)
                total += Math.Log(denominators[i]) - own.Attraction / own.Positives;
        }
        var expected = total / anchors;

        // d loss(i) / d s(i, j).
        double Slope(int i, int j, double s)
        {
            var own = sums[i];
            if (own.Positives == 0)
                return 0;
            var e = Math.Exp(s);
            if (j % classes == i % classes)
                return e / denominators[i] - 1.0 / own.Positives;
            double negatives = rows - 1 - own.Positives;
            return negatives / (denominators[i] * own.Norm) * (2 * e * e - e * own.Hard / own.Norm);
        }

        var (largest, error) = (0.0, 0.0);
        for (var c = 0; c < Math.Min(Checked, rows); c++)
        {
            var i = (int)((long)c * (rows - 1) / Math.Max(1, Math.Min(Checked, rows) - 1));
            var unit = new double[width];
            for (var j = 0; j < rows; j++)
            {
                if (j == i)
                    continue;
                var s = Dot(units, i, j, width) / Temperature;
                var slope = (Slope(i, j, s) + Slope(j, i, s)) / (anchors * Temperature);
                for (var d = 0; d < width; d++)
                    unit[d] += slope * units[(long)j * width + d];
            }
            var radial = 0.0;
            for (var d = 0; d < width; d++)
                radial += unit[d] * units[(long)i * width + d];
            for (var d = 0; d < width; d++)
            {
                var exact = (unit[d] - radial * units[(long)i * width + d]) / norms[i];
                largest = Math.Max(largest, Math.Abs(exact));
                error = Math.Max(error, Math.Abs(exact - gradient[(long)i * width + d]));
            }
        }
        var right = Math.Abs(loss - expected) <= 1e-5 * Math.Max(1, Math.Abs(expected)) && error <= 1e-5 * largest + 1e-9;
        return (right, $"loss {loss:R} against {expected:R} in float64, gradient of {Math.Min(Checked, rows)} rows within {error / Math.Max(largest, 1e-30):E1} of its largest entry{(right ? "" : ": MISMATCH")}");
    }

    private static double Dot(double[] units, long i, long j, int width)
    {
        fixed (double* a = &units[i * width], b = &units[j * width])
        {
            var (x, y) = (Vector<double>.Zero, Vector<double>.Zero);
            var d = 0;
            for (; d <= width - 2 * Vector<double>.Count; d += 2 * Vector<double>.Count)
            {
                x = Vector.FusedMultiplyAdd(Vector.Load(a + d), Vector.Load(b + d), x);
                y = Vector.FusedMultiplyAdd(Vector.Load(a + d + Vector<double>.Count), Vector.Load(b + d + Vector<double>.Count), y);
            }
            var sum = Vector.Sum(x + y);
            for (; d < width; d++)
                sum += a[d] * b[d];
            return sum;
        }
    }
}
