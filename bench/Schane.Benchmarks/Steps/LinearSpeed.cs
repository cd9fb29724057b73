using Schane.Products;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Steps;

/// <summary>Are linear layers faster by the products of our own than by libtorch's, and how far are both from the rate of the kernel on
/// tiles that stay in cache? Forward and both gradients, in turn, float32.</summary>
internal static class LinearSpeed
{
    public static int Run(string[] arguments)
    {
        var threads = LossSpeed.Option(arguments, "--threads", Environment.ProcessorCount);
        var rounds = LossSpeed.Option(arguments, "--rounds", 5);
        set_num_threads(threads);
        NativeMemory.KeepFreedPages();
        string[] shapes = arguments.Contains("--only") ? arguments[Array.IndexOf(arguments, "--only") + 1].Split(';')
            : ["512 512 512", "1024 1024 1024", "2048 2048 2048", "6304 192 576", "6304 192 192", "6304 192 768", "6304 768 192",
                "3152 768 2304", "3152 768 768", "3152 768 3072", "3152 3072 768"];
        using var rate = new MatrixRate(threads, bf16: false);
        Console.WriteLine($"{threads} threads, vectors of {MatrixKernel.BestLanes}; GFLOP/s: forward, by input, by weight; all three");
        foreach (var shape in shapes)
            Measure(shape, rate, rounds);
        return 0;
    }

    private static void Measure(string shape, MatrixRate rate, int rounds)
    {
        using var scope = NewDisposeScope();
        var parts = shape.Split(' ').Select(long.Parse).ToArray();
        var (rows, inputs, outputs) = (parts[0], parts[1], parts[2]);
        var (x, w, b, dy) = (randn(rows, inputs), randn(outputs, inputs), randn(outputs), randn(rows, outputs));
        var work = 2.0 * rows * inputs * outputs;
        var times = Math.Max(1, (int)(2e10 / work));
        List<double[]> theirs = [], ours = [];
        List<double> floor = [];
        for (var round = 0; round <= rounds; round++)
        {
            var own = OurThree(x, w, b, dy, times).Select(t => work / t / 1e9).ToArray();
            var lib = TheirThree(x, w, b, dy, times).Select(t => work / t / 1e9).ToArray();
            var kernel = rate.Operations / Time(1, rate.Run) / 1e9;
            if (round == 0)
                continue;
            ours.Add(own);
            theirs.Add(lib);
            floor.Add(kernel);
        }
        double[] Middle(List<double[]> all) => [.. Enumerable.Range(0, 3).Select(i => StepSpeed.Median([.. all.Select(a => a[i])]))];
        double Together(double[] each) => 3 / each.Sum(e => 1 / e);
        var (t, o, f) = (Middle(theirs), Middle(ours), StepSpeed.Median(floor));
        Console.WriteLine($"{shape,-16} libtorch {t[0]:F0} {t[1]:F0} {t[2]:F0}; {Together(t):F0} | own {o[0]:F0} {o[1]:F0} {o[2]:F0}; " +
            $"{Together(o):F0} | ratio {Together(o) / Together(t):F2} | kernel {f:F0}, {Together(o) / f:P0} of it");
    }

    private static double[] TheirThree(Tensor x, Tensor w, Tensor b, Tensor dy, int times) =>
        [Time(times, () => _ = nn.functional.linear(x, w, b)), Time(times, () => _ = dy.mm(w)), Time(times, () => _ = dy.t().mm(x))];

    private static double[] OurThree(Tensor x, Tensor w, Tensor b, Tensor dy, int times)
    {
        return [Time(times, () => { using var free = no_grad(); _ = LinearProduct.Call(x, w, b); }),
            Time(times, () => LinearProduct.ByInput(dy, w)), Time(times, () => LinearProduct.ByWeight(dy, x))];
    }

    private static double Time(int times, Action work)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < times; i++)
        {
            using var scope = NewDisposeScope();
            work();
        }
        return watch.Elapsed.TotalSeconds / times;
    }
}
