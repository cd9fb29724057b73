using System.Diagnostics;
using System.Globalization;
using Schane.Benchmarks.Steps;
using Schane.Tensors;

namespace Schane.Benchmarks;

/// <summary>
/// What does a training step gain and cost by OpenMP threads that sleep while they wait instead of spinning, on an idle machine and
/// beside programs that keep one and four cores busy, or (<c>--training</c>) one and four that train with threads that spin? One process
/// with libgomp's own default, one as Schane sets it; their steps take turns.
/// </summary>
internal static class WaitSpeed
{
    /// <summary>libgomp's count where nobody says anything.</summary>
    private const string Stock = "300000";

    /// <summary>Untimed steps of each turn, until the other programs' last turn is no longer seen as a neighbour.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    public static int Run(string[] arguments)
    {
        var model = arguments is [var name, ..] && !name.StartsWith('-') ? name : "resnet18";
        var (side, batch) = (LossSpeed.Option(arguments, "--side", 112), LossSpeed.Option(arguments, "--batch", 64));
        var (steps, rounds) = (LossSpeed.Option(arguments, "--steps", 2), LossSpeed.Option(arguments, "--rounds", 5));
        string[] others = Array.IndexOf(arguments, "--spins") is >= 0 and var at ? arguments[at + 1].Split(',') : [];
        string?[] policies = [Stock, null, .. others];
        var programs = policies.Select(spins => Start(spins, "wait-once", model, side, batch, steps)).ToList();
        Console.WriteLine($"{model}, {side} px, {batch} images, "
            + $"{ComputeThreads.For().Count} threads, {rounds} rounds of {steps} steps in turn: "
            + "images/s, ratio to spinning (quartiles)");
        int[] crowds = Array.IndexOf(arguments, "--neighbours") is >= 0 and var place
            ? [.. arguments[place + 1].Split(',').Select(int.Parse)] : [0, 1, 4];
        var training = arguments.Contains("--training");
        foreach (var neighbours in crowds)
        {
            var beside = Enumerable.Range(0, neighbours).Select(_ => training
                ? Start(Stock, "wait-trainer", model, side, batch) : Start(null, "wait-neighbour")).ToList();
            var seconds = policies.Select(_ => new List<double>()).ToList();
            for (var round = 0; round < rounds; round++)
                for (var i = 0; i < programs.Count; i++)
                    seconds[i].Add(Step(programs[i]));
            beside.ForEach(End);
            for (var i = 0; i < policies.Length; i++)
            {
                var ratios = seconds[0].Zip(seconds[i], (stock, own) => stock / own).Order().ToList();
                var policy = policies[i] switch { Stock => "spinning", null => "as Schane sets it", var spins => $"{spins} spins" };
                Console.WriteLine($"{neighbours} {(training ? "that train" : "busy neighbours")}, {policy,-18} "
                    + $"{batch / StepSpeed.Median(seconds[i]),8:F2}  "
                    + $"{StepSpeed.Median(ratios):F3} ({ratios[rounds / 4]:F3} to {ratios[rounds * 3 / 4]:F3})");
            }
        }
        programs.ForEach(End);
        return 0;
    }

    /// <summary>Takes steps, a few for each line of stdin, and prints the seconds of one.</summary>
    public static int Serve(string model, int side, int batch, int steps)
    {
        TorchSharp.torch.set_num_threads(ComputeThreads.For().Count);
        NativeMemory.KeepFreedPages();
        using var stepper = new Stepper(model, batch, side: side);
        stepper.Step();                                                                          // warms up
        while (Console.ReadLine() is not null)
        {
            var settled = Stopwatch.StartNew();
            while (settled.Elapsed < Settle)
                stepper.Step();
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < steps; i++)
                stepper.Step();
            Console.WriteLine((watch.Elapsed.TotalSeconds / steps).ToString(CultureInfo.InvariantCulture));
        }
        return 0;
    }

    /// <summary>Keeps one core busy until stdin ends.</summary>
    public static int Neighbour()
    {
        new Thread(() =>
        {
            while (true)
                Thread.SpinWait(1000);
        })
        { IsBackground = true }.Start();
        Console.ReadLine();
        return 0;
    }

    /// <summary>Takes steps until stdin ends.</summary>
    public static int Train(string model, int side, int batch)
    {
        TorchSharp.torch.set_num_threads(ComputeThreads.For().Count);
        using var stepper = new Stepper(model, batch, side: side);
        var read = Task.Run(Console.ReadLine);
        while (!read.IsCompleted)
            stepper.Step();
        return 0;
    }

    private static double Step(Process process)
    {
        process.StandardInput.WriteLine();
        return double.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
    }

    private static void End(Process process)
    {
        process.StandardInput.Close();
        process.WaitForExit();
    }

    private static Process Start(string? spins, params object[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments.Select(a => $"{a}"))
        { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment.Remove(OpenMp.Policy);
        start.Environment.Remove(OpenMp.SpinCountName);
        if (spins is not null)
            start.Environment[OpenMp.SpinCountName] = spins;
        return Process.Start(start)!;
    }
}
