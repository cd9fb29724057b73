using System.Diagnostics;
using Schane.Models;
using Schane.Tensors;

namespace Schane.Benchmarks.Steps;

/// <summary>Where does the time of a training step go? Steps of one model alone, to be looked at with a sampling profiler
/// (`DOTNET_PerfMapEnabled=1 perf record`).</summary>
internal static class StepAlone
{
    public static int Run(string[] arguments)
    {
        var (name, batch, steps) = (arguments[0], LossSpeed.Option(arguments, "--batch", 32), LossSpeed.Option(arguments, "--steps", 5));
        NativeMemory.KeepFreedPages();
        using var stepper = new Stepper(name, batch, arguments.Contains("--bf16") ? Precision.Bf16 : Precision.Float32,
            side: LossSpeed.Option(arguments, "--side", 0) is > 0 and var side ? side : null,
            own: arguments.Contains("--library") ? false : null);
        stepper.Step();
        var seconds = new List<double>();
        for (var step = 0; step < steps; step++)
        {
            var watch = Stopwatch.StartNew();
            stepper.Step();
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
        var median = StepSpeed.Median(seconds);
        Console.WriteLine($"{name}, batch {batch}: {median:F3} s a step, {batch / median:F1} images/s, " +
            $"{stepper.Flops / median / 1e9:F0} GFLOP/s");
        return 0;
    }
}
