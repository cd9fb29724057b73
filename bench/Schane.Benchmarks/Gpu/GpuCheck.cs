using System.Diagnostics;
using System.Security.Cryptography;
using Schane.Benchmarks.Steps;
using Schane.Jobs;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Tensors;
using Schane.Training;
using Schane.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Gpu;

/// <summary>
/// Everything that a GPU computes, in one command of less than ten minutes: the training pass of each architecture in each precision
/// against float64, its steps' speed beside plain TorchSharp's, the loss up to 65,536 rows, micro-batches, a run that goes on, and
/// two processes on one device. Exits with 1 where anything is wrong. With <c>--device cpu</c> the same is tried without one.
/// </summary>
internal static class GpuCheck
{
    /// <summary>Share of the time for the architectures; those that it does not hold are named.</summary>
    private const double ShareForModels = 0.6;

    private static readonly List<string> faults = [];

    public static int Run(string[] arguments)
    {
        var name = Array.IndexOf(arguments, "--device") is >= 0 and var at ? arguments[at + 1] : "cuda";
        var limit = TimeSpan.FromMinutes(LossSpeed.Option(arguments, "--minutes", 9));
        var watch = Stopwatch.StartNew();
        Device device;
        try
        {
            device = Devices.Find(name);
        }
        catch (SchaneException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
        NativeMemory.KeepFreedPages();
        Console.WriteLine($"{name}, {get_num_threads()} threads, libtorch {__version__}");

        Console.WriteLine("model, images of a batch: error against float64, images/s, by precision");
        string[] names = [.. ModelRegistry.Names.GroupBy(model => new string([.. model.TakeWhile(char.IsAsciiLetter)]))
            .SelectMany(family => family.OrderBy(CostOf).Select((model, place) => (model, place)))
            .OrderBy(one => one.place).ThenBy(one => CostOf(one.model)).Select(one => one.model)];      // the cheapest of each family first
        foreach (var (i, model) in names.Index())
        {
            if (watch.Elapsed > limit * ShareForModels)
            {
                Console.WriteLine($"not reached in time: {string.Join(", ", names[i..])}");
                break;
            }
            Model(model, device, name);
        }
        Loss(device);
        MicroBatches(device);
        Runs(name);
        Console.WriteLine(faults.Count == 0 ? $"nothing is wrong; {watch.Elapsed.TotalMinutes:F1} minutes"
            : $"WRONG:\n{string.Join('\n', faults)}");
        return faults.Count == 0 ? 0 : 1;
    }

    private static long CostOf(string model) => ModelRegistry.CostOf(model).MultiplyAdds;

    /// <summary>Trains a few steps, stopped behind one of them where that is not 0, goes on, and prints the hash of the weights.</summary>
    public static int Train(string device, string folder, int stop)
    {
        using var stops = new CancellationTokenSource();
        var recipe = new Recipe { Device = device, Steps = 6, SaveEvery = 2, NoThumbnails = true, Precision = Precision.Float32 };
        try
        {
            TrainJob.Run(recipe, new()
            {
                Folder = folder,
                Progress = new Heard(step =>
                {
                    if (step == stop && stop > 0)
                        stops.Cancel();
                }),
            }, stops.Token);
        }
        catch (OperationCanceledException)
        {
            TrainJob.Resume(folder);
        }
        Console.WriteLine(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "model.safetensors")))));
        return 0;
    }

    private static void Model(string name, Device device, string deviceName)
    {
        var gpu = device.type == DeviceType.CUDA;
        var rows = gpu ? 32 : 2;
        List<string> said = [];
        foreach (var precision in (Precision[])(gpu ? [Precision.Float32, Precision.Bf16, Precision.Fp16] : [Precision.Float32]))
            try
            {
                using var scope = NewDisposeScope();
                using var model = new ImageClassifier(ModelRegistry.Create(name, seed: 1), 10) { Precision = precision };
                model.to(device);
                var info = model.Backbone.Info;
                var proof = ModelProof.OfTraining(model, randn(4, info.Channels, info.InputSize, info.InputSize));
                if (proof.Fault is { } fault)
                    faults.Add($"{name}, {precision}: {fault.Layer}, {fault.What}, is off by {fault.Error:E1}");
                using var stepper = new Stepper(name, rows, precision, device: device);
                said.Add($"{precision.ToString().ToLowerInvariant()} {proof.Error:E1}, {rows / Seconds(() => stepper.Step(), gpu):F0}");
            }
            catch (Exception e) when (e is System.Runtime.InteropServices.ExternalException or InvalidOperationException)
            {
                faults.Add($"{name}, {precision}: {e.Message.Split('\n')[0]}");
            }
        if (StepSpeed.Shapes.TryGetValue(name, out var shape))
            said.Add($"plain TorchSharp {rows / Plain(shape, rows, deviceName):F0}");
        Console.WriteLine($"{name}, {rows}: {string.Join("; ", said)}");
    }

    /// <summary>Seconds of a step: the median of some after two that warm up.</summary>
    private static double Seconds(Action step, bool gpu)
    {
        List<double> seconds = [];
        for (var i = 0; i < (gpu ? 7 : 3); i++)
        {
            var watch = Stopwatch.StartNew();
            step();
            if (gpu)
                cuda.synchronize();
            if (i > 1)
                seconds.Add(watch.Elapsed.TotalSeconds);
        }
        return StepSpeed.Median(seconds);
    }

    private static double Plain((int Width, int Depth, int Heads) shape, int rows, string device)
    {
        using var plain = StepSpeed.Start("step-plain", shape.Width, shape.Depth, shape.Heads, 224, rows, device);
        List<double> seconds = [];
        for (var i = 0; i < 5; i++)
        {
            plain.StandardInput.WriteLine();
            seconds.Add(double.Parse(plain.StandardOutput.ReadLine()!.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
        }
        plain.StandardInput.Close();
        return StepSpeed.Median(seconds[2..]);
    }

    /// <summary>SCHaNe of random rows of 64 classes: its time, and up to 4,096 rows its value and gradient against float64.</summary>
    private static void Loss(Device device)
    {
        var gpu = device.type == DeviceType.CUDA;
        foreach (var rows in (int[])(gpu ? [1024, 4096, 16384, 65536] : [1024, 4096]))
        {
            using var scope = NewDisposeScope();
            var embeddings = randn([rows, 128], generator: new Generator(1, CPU));
            var labels = arange(rows, ScalarType.Int64).remainder(64);
            var options = new JointOptions { Lambda = 1, Kernel = gpu ? LossKernel.OpGraph : LossKernel.Auto };
            StepLoss Compute(Tensor values, Tensor classes, LossKernel kernel) =>
                new JointObjective(options with { Kernel = kernel }).Compute(values, null, classes);
            var (there, classes) = (embeddings.to(device), labels.to(device));
            var seconds = Seconds(() => Compute(there, classes, options.Kernel).Dispose(), gpu);
            var error = double.NaN;
            if (rows <= 4096)
            {
                using var found = Compute(there, classes, options.Kernel);
                using var exact = Compute(embeddings.to_type(ScalarType.Float64), labels, LossKernel.OpGraph);
                error = RelativeError.Of(found.EmbeddingGradient!, exact.EmbeddingGradient!);
                if (!(error < 1e-3) || !(Math.Abs(found.Total - exact.Total) < 1e-4 * Math.Abs(exact.Total)))
                    faults.Add($"loss of {rows} rows: {found.Total} for {exact.Total}, gradient off by {error:E1}");
            }
            Console.WriteLine($"loss, {rows} × 128: {seconds * 1e3:F1} ms{(double.IsNaN(error) ? "" : $", gradient off by {error:E1}")}");
        }
    }

    private static void MicroBatches(Device device)
    {
        using var scope = NewDisposeScope();
        using var whole = new Stepper("vit_tiny_patch16_224", 32, loss: "schane", side: 112, device: device);
        using var parts = new Stepper("vit_tiny_patch16_224", 32, loss: "schane", side: 112, microBatch: 8, device: device);
        whole.Gradient();
        parts.Gradient();
        var error = ((parts.Gradients - whole.Gradients).norm() / whole.Gradients.norm()).ToDouble();
        if (!(error < 5e-3))                                              // TF32, in other sums
            faults.Add($"the gradient in micro-batches is off by {error:E1}");
        Console.WriteLine($"32 images in micro-batches of 8: gradient {error:E1} from that of the whole");
    }

    /// <summary>A run that goes on has the weights of one that was not stopped, and two at once those of one alone.</summary>
    private static void Runs(string device)
    {
        var folder = Directory.CreateTempSubdirectory("schane-gpu-").FullName;
        string Weights(Process process)
        {
            var hash = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? hash.Split('\n')[^1] : $"exit code {process.ExitCode}";
        }
        Process Start(string run, int stop) => StepSpeed.Start("gpu-run", device, Path.Combine(folder, run), stop);
        using var alone = Start("alone", 0);
        var expected = Weights(alone);
        using var stopped = Start("stopped", 3);
        var resumed = Weights(stopped);
        using var one = Start("one", 0);
        using var two = Start("two", 0);
        string[] both = [Weights(one), Weights(two)];
        Directory.Delete(folder, recursive: true);
        if (expected.StartsWith("exit", StringComparison.Ordinal) || resumed != expected)
            faults.Add($"a run that goes on: {resumed} for {expected}");
        if (both.Any(hash => hash != expected))
            faults.Add($"two at once: {string.Join(", ", both)} for {expected}");
        Console.WriteLine($"a run that goes on, and two at once: {(resumed == expected && both.All(h => h == expected) ? "the same bits"
            : "other bits")}");
    }

    private sealed class Heard(Action<long> step) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => step(value.Step);
    }
}
