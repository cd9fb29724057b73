using Schane.Losses.Pairs;
using Schane.Losses.Tiled;
using Schane.Products;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>How many times faster than the op graph is the tiled loss, forward and backward, and how far is it from the time of its
/// matrix products alone?</summary>
internal static class LossSpeed
{
    public static int Run(string[] arguments)
    {
        var threads = Math.Min(8, Environment.ProcessorCount);
        var rounds = Option(arguments, "--rounds", 5);
        set_num_threads(threads);
        var bf16 = !arguments.Contains("--float32");
        Console.WriteLine(
            $"{threads} threads, vectors of {MatrixKernel.BestLanes}, bfloat16 products in {(Brgemm.Available ? "libtorch" : "C#")}, " +
            $"MALLOC_MMAP_MAX_={Environment.GetEnvironmentVariable("MALLOC_MMAP_MAX_") ?? "unset"}");
        Console.WriteLine("loss     rows   dim classes |  graph ms, wall | tiled ms, wall  ratios (CPU, wall)  of floor GFLOP/s |" +
            (bf16 ? " bf16 ms, wall  ratios (CPU, wall)  of floor GFLOP/s |" : "") + " buffers MB");
        if (Option(arguments, "--ladder", 0) is > 0 and var dim)
        {
            int[] ladder = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];
            var least = ladder.Min(n => Measure("supcon", new(0.1), n, dim, Math.Max(1, n / 4), threads, rounds, bf16));
            Console.WriteLine($"least ratio: {least:F1}");
            return 0;
        }
        string[] cases = arguments.Contains("--only") ? arguments[Array.IndexOf(arguments, "--only") + 1].Split(';')
            : ["schane 2 128 1", "schane 16 128 4", "schane 64 128 8", "schane 256 128 64", "supcon 1024 768 64", "schane 1024 768 64",
                "schane 4096 128 64", "supcon 4096 768 64", "schane 4096 768 64",
                "supcon 8192 128 64", "schane 8192 128 64", "tiled 8192 128 2", "tiled 8192 128 4096"];
        foreach (var one in cases)
        {
            var parts = one.Split(' ', ',');
            var (rows, width, classes) = (int.Parse(parts[1]), int.Parse(parts[2]), int.Parse(parts[3]));
            Measure(parts[0], parts[0] == "supcon" ? new(0.1) : new(0.5, 1), rows, width, classes, threads, rounds, bf16);
        }
        return 0;
    }

    // SupCon, forward and backward, by the reference PyTorch code (1.13, OpenBLAS) on two cores, in ms: what keeps
    // the op graph an honest baseline.
    private static double? Reference(string name, int rows, int width) => (name, rows, width) switch
    {
        ("supcon", 1024, 768) => 40,
        ("supcon", 4096, 768) => 940,
        ("supcon", 8192, 128) => 2180,
        _ => null,
    };

    public static int Option(string[] arguments, string name, int value) =>
        Array.IndexOf(arguments, name) is >= 0 and var at ? int.Parse(arguments[at + 1]) : value;

    /// <returns>How many times faster float32 tiles are, by processor or by wall time, whichever is less.</returns>
    private static double Measure(string name, PairFormula formula, int rows, int width, int classes, int threads, int rounds, bool halves)
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(threads);
        using var other = new TiledPairLoss(threads, bf16: true);
        using var rate = new MatrixRate(threads, bf16: false);
        using var halfRate = new MatrixRate(threads, bf16: true);
        var embeddings = randn(rows, width);
        var problem = new PairProblem(arange(rows).remainder(classes), null, 0, rows);

        void Graph()
        {
            using var step = NewDisposeScope();
            using var pairs = problem.Weights();
            var leaf = embeddings.detach().requires_grad_();
            PairGraph.Share(PairLoss.Units(leaf), pairs, formula, 0, rows).backward();
        }
        void Tiled(TiledPairLoss by)
        {
            using var step = NewDisposeScope();
            _ = TiledPairs.Compute(by, embeddings, problem, formula, 1) ?? throw new InvalidOperationException("The kernel refused.");
        }

        // Few long runs, many short ones.
        var work = 4.0 * rows * rows * width;
        var tiledRuns = (int)Math.Clamp(3e9 / work, 1, 2000);
        List<(Action, int)> actions = [(() => Tiled(kernel), tiledRuns), (rate.Run, 1)];
        if (halves)
            actions.AddRange([(() => Tiled(other), tiledRuns), (halfRate.Run, 1)]);
        if (name != "tiled")
            actions.Add((Graph, (int)Math.Clamp(3e8 / work, 1, 200)));
        var times = Times.Interleaved(rounds, threads, [.. actions]);
        var (tiled, graph) = (times[0], name == "tiled" ? new Times(double.NaN, double.NaN) : times[^1]);
        var products = (kernel.Caches ? 3 : 4) * (double)rows * rows * width;
        string Against(Times mine, Times floor, MatrixRate of)
        {
            var speed = of.Operations / floor.Cpu / 1e6;
            return $"{mine.Cpu,8:F3} {mine.Wall,8:F3} {graph.Cpu / mine.Cpu,6:F1} {graph.Wall / mine.Wall,6:F1} " +
                $"{products / 1e6 / speed / mine.Cpu,8:P0} {speed,7:F0} |";
        }
        Console.WriteLine($"{name,-7} {rows,6} {width,5} {classes,7} | {graph.Cpu,8:F2} {graph.Wall,8:F2} | " +
            $"{Against(tiled, times[1], rate)}{(halves ? $" {Against(times[2], times[3], halfRate)}" : "")} {kernel.Bytes / 1e6:F0}"
            + (Reference(name, rows, width) is { } reference
                ? $" | op graph {graph.Cpu / reference:F1} × the {reference} ms of the reference code" : ""));
        return Math.Min(graph.Cpu / tiled.Cpu, graph.Wall / tiled.Wall);
    }
}
