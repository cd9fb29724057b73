using System.Diagnostics;
using System.Globalization;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Steps;

/// <summary>What do the contrastive term and large batches cost beside plain cross-entropy and small batches,
/// in time and in memory?</summary>
/// <remarks>
/// Memory is the highest resident size of a process of its own over some steps, less what it had before the model was made, as the kernel
/// counts it. Where two objectives are compared, every block of 64 kB or more is a mapping of its own that goes back to the system when it
/// is freed: what is counted is then what is in use, and not how an allocator lays it out. Where two batch sizes are compared, as many
/// images pass the model in both: the allocator's holes grow with the passes, and not with the batch.
/// </remarks>
internal static class StepCosts
{
    /// <summary>SCHaNe against cross-entropy, steps in turn in one process.</summary>
    public static int Overhead(string[] arguments)
    {
        var (name, batch, rounds) = ("vit_tiny_patch16_224", LossSpeed.Option(arguments, "--batch", 64),
            LossSpeed.Option(arguments, "--rounds", 7));
        var memory = (Plain: new List<double>(), Joint: new List<double>());
        for (var round = 0; round < 3; round++)
        {
            memory.Plain.Add(Memory(name, batch, "ce", 224, steps: 3, inUse: true).Peak);
            memory.Joint.Add(Memory(name, batch, "schane", 224, steps: 3, inUse: true).Peak);
        }
        var (plain, joint) = (StepSpeed.Median(memory.Plain), StepSpeed.Median(memory.Joint));
        Console.WriteLine(
            $"memory above the bare process, median of 3: CE {plain / 1e6:F0} MB, SCHaNe {joint / 1e6:F0} MB, ratio {joint / plain:F4}");
        NativeMemory.KeepFreedPages();
        using var stepper = new Stepper(name, batch, loss: "ce", other: "schane");
        List<double> ratios = [], ce = [], schane = [];
        for (var round = 0; round <= rounds; round++)
        {
            // First and second in turn, so that neither always runs on the warmer machine.
            var one = stepper.Step(withOther: round % 2 != 0).Step;
            var two = stepper.Step(withOther: round % 2 == 0).Step;
            var (a, b) = round % 2 == 0 ? (one, two) : (two, one);
            if (round == 0)
                continue;
            ce.Add(a);
            schane.Add(b);
            ratios.Add(b / a);
        }
        Console.WriteLine($"{name}, batch {batch}: CE {StepSpeed.Median(ce):F3} s, SCHaNe {StepSpeed.Median(schane):F3} s, median of " +
            $"{rounds} paired ratios {StepSpeed.Median(ratios):F4}");
        return 0;
    }

    /// <summary>A batch of 1024 in micro-batches of 32 against batches of 32.</summary>
    public static int GradCache(string[] arguments)
    {
        const string name = "vit_tiny_patch16_224";
        const int side = 112, micro = 32;
        var batch = LossSpeed.Option(arguments, "--batch", 1024);
        var (small, large) = (Memory(name, micro, "schane", side, steps: 3 * batch / micro),
            Memory(name, batch, "schane", side, steps: 3, micro));
        Console.WriteLine($"memory above the bare process over {3 * batch} images: batch {micro} {(small.Peak - small.Images) / 1e6:F0} " +
            $"MB, batch {batch} in micro-batches {(large.Peak - large.Images) / 1e6:F0} MB, each beyond its images " +
            $"({small.Images / 1e6:F1} and {large.Images / 1e6:F1} MB): {(large.Peak - large.Images) / (small.Peak - small.Images):F3} x");

        NativeMemory.KeepFreedPages();
        using (var whole = new Stepper(name, 4 * micro, loss: "schane", side: side))
        using (var parts = new Stepper(name, 4 * micro, loss: "schane", side: side, microBatch: micro))
        {
            whole.Gradient();
            parts.Gradient();
            using var scope = NewDisposeScope();
            Console.WriteLine($"gradient of {4 * micro} images in micro-batches of {micro}: " +
                $"{((parts.Gradients - whole.Gradients).norm() / whole.Gradients.norm()).ToDouble():E1} from that of the whole, float32");
        }

        using var plain = new Stepper(name, micro, loss: "schane", side: side);
        using var cached = new Stepper(name, batch, loss: "schane", side: side, microBatch: micro);
        List<double> ratios = [];
        for (var round = 0; round < 3; round++)
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < batch / micro; i++)
                plain.Gradient();
            var before = watch.Elapsed.TotalSeconds;
            cached.Gradient();
            var after = watch.Elapsed.TotalSeconds - before;
            if (round > 0)
                ratios.Add(after / before);
            Console.WriteLine($"{batch} images: {before:F2} s in plain batches of {micro}, {after:F2} s as one batch in micro-batches: " +
                $"{after / before:F3} x");
        }
        return 0;
    }

    /// <summary>Prints the bytes of the highest resident size over some steps, and of the images of a batch.</summary>
    public static int Measure(string[] arguments)
    {
        using (var warm = new Stepper("convnet4", 4, side: 16))                                // loads what a first step loads
            warm.Step();
        NativeMemory.KeepFreedPages();
        var before = Status("VmRSS");
        using var stepper = new Stepper(arguments[0], int.Parse(arguments[1], CultureInfo.InvariantCulture), loss: arguments[2],
            side: int.Parse(arguments[3], CultureInfo.InvariantCulture),
            microBatch: arguments is [_, _, _, _, _, var micro] ? int.Parse(micro, CultureInfo.InvariantCulture) : null,
            adapters: arguments is [_, _, _, _, _, var rank, var layers] && int.Parse(rank, CultureInfo.InvariantCulture) is > 0 and var r
                ? new(r, r, layers) : null);
        File.WriteAllText("/proc/self/clear_refs", "5");                                       // VmHWM := what is resident now
        for (var i = 0; i < int.Parse(arguments[4], CultureInfo.InvariantCulture); i++)
            stepper.Step();
        Console.WriteLine($"{Status("VmHWM") - before} {stepper.Batch.Images.numel() * stepper.Batch.Images.ElementSize}");
        return 0;
    }

    private static (double Peak, double Images) Memory(string name, int batch, string loss, int side, int steps,
        int? micro = null, bool inUse = false)
    {
        return Elsewhere(inUse, ["step-memory", name, $"{batch}", $"{loss}", $"{side}", $"{steps}",
            .. micro is { } m ? (string[])[$"{m}"] : []]);
    }

    /// <summary>What <see cref="Measure"/> prints in a process of its own.</summary>
    internal static (double Peak, double Images) Elsewhere(bool inUse, string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardOutput = true };
        if (inUse)
            (start.Environment["MALLOC_MMAP_THRESHOLD_"], start.Environment["MALLOC_TRIM_THRESHOLD_"]) = ("65536", "131072");
        using var process = Process.Start(start)!;
        var words = process.StandardOutput.ReadToEnd().Split(' ');
        process.WaitForExit();
        return (double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    private static double Status(string key) =>
        File.ReadLines("/proc/self/status").Where(l => l.StartsWith(key, StringComparison.Ordinal)).Select(l => double.Parse(
            l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024).Single();
}
