using System.Diagnostics;
using System.Globalization;
using Schane.Benchmarks.Steps;
using Schane.Distributed;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>
/// What do two ranks on one machine cost against one process with two threads, how fast is their sum beside a plain copy of the
/// same bytes, and what share of a step is the gather? The same global batch of a ViT-Ti by SCHaNe, processes in turn;
/// everything from images to new weights.
/// </summary>
internal static class RankSpeed
{
    private const string Model = "vit_tiny_patch16_224";
    private const int Width = 192, Elements = 25_000_000;                 // 100 MB

    public static int Run(string[] arguments)
    {
        var (batch, rounds, steps) = (LossSpeed.Option(arguments, "--batch", 128), LossSpeed.Option(arguments, "--rounds", 3),
            LossSpeed.Option(arguments, "--steps", 2));
        var launcher = arguments.Contains("--mpich") ? "mpirun.mpich" : "mpirun.openmpi";
        string[] flags = arguments.Contains("--mpich")
            ? ["-host", "localhost"] : ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader"];
        var (alone, shared) = (new List<double[]>(), new List<double[]>());
        for (var round = 0; round < rounds; round++)
        {
            alone.Add(Start(Environment.ProcessPath!, [], 2, batch, steps));
            shared.Add(Start(launcher, [.. flags, "-np", "2", Environment.ProcessPath!], 1, batch, steps));
        }
        double Median(List<double[]> of, int at) => StepSpeed.Median([.. of.Select(numbers => numbers[at])]);
        var (one, two) = (Median(alone, 0), Median(shared, 0));
        Console.WriteLine($"{Model}, SCHaNe, {batch} images a step, {launcher}, medians of {rounds} rounds");
        Console.WriteLine($"one process, two threads   {one:F2} images/s");
        Console.WriteLine($"two ranks, a thread each   {two:F2} images/s: {two / one:F2} x");
        Console.WriteLine(
            $"gather of embeddings and labels {1e3 * Median(shared, 1):F3} ms: {Median(shared, 1) * two / batch:P2} of the step");
        Console.WriteLine($"sum of {Elements * 4 / 1e6:F0} MB            {Median(shared, 2):F2} GB/s; plain copy by one rank " +
            $"{Median(shared, 3):F2} GB/s: {Median(shared, 2) / Median(shared, 3):F2} x");
        return 0;
    }

    /// <summary>One process of them; the first prints images a second, seconds of the gather, and GB/s of sum and copy.</summary>
    public static int Once(int threads, int batch, int steps)
    {
        set_num_threads(threads);
        NativeMemory.KeepFreedPages();
        using var ranks = Ranks.Join();
        using var stepper = new Stepper(Model, batch / ranks.Size, loss: "schane", ranks: ranks);
        stepper.Step();                                                   // warms up
        ranks.Barrier();
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < steps; i++)
            stepper.Step();
        var rate = batch * steps / watch.Elapsed.TotalSeconds;

        using var scope = NewDisposeScope();
        var (embeddings, labels) = (randn(batch / ranks.Size, Width), zeros([batch / ranks.Size, 2], ScalarType.Int64));
        var gather = Seconds(20, () =>
        {
            using var rows = NewDisposeScope();
            ranks.Gather(embeddings);
            ranks.Gather(labels);
        });
        var (values, other) = (ones(Elements), ones(Elements));
        var sum = Elements * 4 / Seconds(5, () => ranks.Sum(values)) / 1e9;
        var copy = 0.0;
        ranks.OnFirst(() => copy = Elements * 4 / Seconds(5, () => other.copy_(values)) / 1e9);
        ranks.OnFirst(() => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate} {gather} {sum} {copy}")));
        ranks.Leave();
        return 0;

        double Seconds(int times, Action action)
        {
            var seconds = new List<double>();
            for (var i = 0; i <= times; i++)
            {
                var one = Stopwatch.StartNew();
                action();
                if (i > 0)
                    seconds.Add(one.Elapsed.TotalSeconds);
            }
            return StepSpeed.Median(seconds);
        }
    }

    private static double[] Start(string program, string[] before, int threads, int batch, int steps)
    {
        var start = new ProcessStartInfo(program, [.. before, "ranks-once", $"{threads}", $"{batch}", $"{steps}"])
        { RedirectStandardOutput = true };
        start.Environment["OMP_NUM_THREADS"] = $"{threads}";
        // Open MPI lends rank 0 a terminal, into which .NET would write control characters
        start.Environment["TERM"] = "dumb";
        using var process = Process.Start(start)!;
        var line = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? [.. line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))]
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }
}
