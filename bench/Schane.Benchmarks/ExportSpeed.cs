using System.Diagnostics;
using System.Globalization;
using Schane.Export;
using Schane.Inference;
using Schane.Jobs;
using Schane.Models;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>What does an export cost in time and memory, and does ONNX Runtime predict faster than the trained model? Random weights; both
/// in one process, in turn.</summary>
internal static class ExportSpeed
{
    private const int Batch = 8;

    public static int Run(string[] names)
    {
        using var _ = no_grad();
        var folder = Directory.CreateTempSubdirectory("schane-export-").FullName;
        try
        {
            Console.WriteLine($"{get_num_threads()} threads, batch {Batch}, matrix product {ProductRate():f0} GFLOP/s");
            foreach (var name in names.Length > 0 ? names : ["schane_tiny", "resnet50", "convnext_tiny", "vit_small_patch16_224",
                "swin_tiny_patch4_window7_224", "vit_base_patch16_224"])
                One(name, Path.Combine(folder, name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static void One(string name, string path)
    {
        var run = RunFolder.Create(path, force: false);
        long weights;
        using (var made = new RunModel(new ImageClassifier(ModelRegistry.Create(name, 1), 100),
            [.. Enumerable.Range(0, 100).Select(c => $"class {c}")], "none"))
        {
            weights = made.Classifier.StateDict().Sum(s => s.Value.numel() * s.Value.element_size());
            made.Save(run.Model);
        }
        var onnx = Path.Combine(path, "model.onnx");

        Console.WriteLine($"{name}: {weights / 1e6:f0} MB of weights; load and write {InOwnProcess("write", path, onnx, weights)}; with " +
            $"the certificate {InOwnProcess("whole", path, onnx, weights)}");
        Speed(name, run.Model, onnx);
    }

    private static void Speed(string name, string weights, string file)
    {
        using var scope = NewDisposeScope();
        using var trained = RunModel.Load(weights, "cpu");
        using var exported = OnnxModel.Open(file, get_num_threads());
        var input = trained.Input;
        var pixels = new float[Batch * input.Channels * input.Size * input.Size];
        var random = new Random(1);
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (float)(random.NextDouble() * 2 - 1);
        void Torch()
        {
            using var pass = NewDisposeScope();
            trained.Classifier.Forward(tensor(pixels, [Batch, input.Channels, input.Size, input.Size])).Logits.data<float>().ToArray();
        }
        var multiplyAdds = ModelRegistry.CostOf(name).MultiplyAdds;
        var times = Times.Interleaved(5, get_num_threads(), (Torch, 2), (() => exported.Run(pixels, Batch), 2));
        var (torch, onnx) = (Batch * 1000 / times[0].Wall, Batch * 1000 / times[1].Wall);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: TorchSharp {torch:f1} images/s ({2e-9 * multiplyAdds * torch:f0} GFLOP/s), ONNX Runtime {onnx:f1} " +
            $"({2e-9 * multiplyAdds * onnx:f0}): {onnx / torch:f2} ×; by processor time {times[0].Cpu / times[1].Cpu:f2} ×"));
    }

    /// <summary>One export in a process of its own, whose memory nobody has used before.</summary>
    private static string InOwnProcess(string what, string run, string onnx, long weights)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!,
            ["export-one", what, run, onnx, weights.ToString(CultureInfo.InvariantCulture)])
        { RedirectStandardOutput = true })!;
        var said = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return said;
    }

    /// <summary>What <see cref="InOwnProcess"/> starts.</summary>
    public static int Once(string what, string run, string onnx, long weights)
    {
        ones(1).Dispose();                                                // libtorch is there before memory is counted
        var (seconds, bytes) = Peak(() =>
        {
            if (what == "whole")
            {
                ExportJob.Run(run, onnx, force: true);
                return;
            }
            using var model = RunModel.Load(RunFolder.Open(run).Model, "cpu");
            OnnxExport.Write(model.Classifier, onnx, new Dictionary<string, string>(), new());
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{seconds:f2} s, {bytes / 1e6:f0} MB = {bytes / (double)weights:f2} × the weights"));
        return 0;
    }

    /// <summary>Seconds of an action, and how far the process's resident memory rose above where it stood.</summary>
    private static (double Seconds, long Bytes) Peak(Action action)
    {
        GC.Collect();
        var before = Resident("VmRSS");
        File.WriteAllText("/proc/self/clear_refs", "5");                  // the high-water mark begins anew
        var clock = Stopwatch.StartNew();
        action();
        return (clock.Elapsed.TotalSeconds, Resident("VmHWM") - before);
    }

    private static long Resident(string what) =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith(what, StringComparison.Ordinal)).Split(':')[1]
            .Replace("kB", "").Trim(), CultureInfo.InvariantCulture);

    /// <summary>GFLOP/s of libtorch's float32 product.</summary>
    private static double ProductRate()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (rand(1024, 1024), rand(1024, 1024));
        a.mm(b).Dispose();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 20; i++)
            a.mm(b).Dispose();
        return 20 * 2.0 * 1024 * 1024 * 1024 / clock.Elapsed.TotalSeconds / 1e9;
    }
}
