using System.Diagnostics;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Losses;
using Schane.Models;
using Schane.Tensors;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Steps;

/// <summary>How much faster is a whole training step than plain TorchSharp's, and how near to its bare matrix products?</summary>
/// <remarks>
/// The plain step runs in a process of its own with the stock allocator; the steps of both take turns, so that what else the machine does
/// strikes both. A step is everything from images to new weights: forward, loss, backward, gradient norm, AdamW.
/// </remarks>
internal static class StepSpeed
{
    internal static readonly Dictionary<string, (int Width, int Depth, int Heads)> Shapes = new()
    { ["vit_tiny_patch16_224"] = (192, 12, 3), ["vit_small_patch16_224"] = (384, 12, 6), ["vit_base_patch16_224"] = (768, 12, 12) };

    public static int Run(string[] arguments)
    {
        var (name, batch, rounds) = (arguments is [var model, ..] ? model : "vit_base_patch16_224",
            LossSpeed.Option(arguments, "--batch", 16), LossSpeed.Option(arguments, "--rounds", 2));
        var shape = Shapes[name];
        using var plain = Start("step-plain", shape.Width, shape.Depth, shape.Heads, 224, batch, "cpu");
        Console.WriteLine($"{name}, batch {batch}, {get_num_threads()} threads, medians of {rounds} rounds");
        if (!arguments.Contains("--stock"))
            NativeMemory.KeepFreedPages();
        using var float32 = new Stepper(name, batch, Precision.Float32, own: false);
        using var own = new Stepper(name, batch, Precision.Float32, own: true);
        using var bf16 = new Stepper(name, batch, Precision.Bf16);
        var flops = float32.Flops;
        var (bare32, bare16) = (Bare(shape.Width, batch * 197, ScalarType.Float32), Bare(shape.Width, batch * 197, ScalarType.BFloat16));
        var seconds = (Plain: new List<double>(), Float32: new List<double>(), Own: new List<double>(),
            Bf16: new List<double>(), Optimizer: new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            plain.StandardInput.WriteLine();
            var one = double.Parse(plain.StandardOutput.ReadLine()!.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
            var two = float32.Step();
            var ours = own.Step();
            var three = bf16.Step();
            if (round == 0)                                                                      // warms up
                continue;
            seconds.Plain.Add(one);
            seconds.Float32.Add(two.Step);
            seconds.Own.Add(ours.Step);
            seconds.Bf16.Add(three.Step);
            seconds.Optimizer.Add(three.Optimizer);
        }
        plain.StandardInput.Close();
        void Show(string what, List<double> times, double bare)
        {
            var median = Median(times);
            Console.WriteLine($"{what,-22} {median,7:F3} s  {batch / median,6:F2} images/s  {flops / median / 1e9,4:F0} GFLOP/s  " +
                $"{flops / median / bare,6:P0} of bare products  {Median(seconds.Plain) / median:F2} x plain");
        }
        Console.WriteLine(
            $"{flops / 1e9:F0} GFLOP a step; bare products: float32 {bare32 / 1e9:F0} GFLOP/s, bf16 {bare16 / 1e9:F0} GFLOP/s");
        Show("plain TorchSharp", seconds.Plain, bare32);
        Show("Schane, float32", seconds.Float32, bare32);
        Show("the same, own products", seconds.Own, bare32);
        Show("Schane, bf16", seconds.Bf16, bare16);
        Console.WriteLine(
            $"optimiser              {Median(seconds.Optimizer) * 1e3:F1} ms: {Median(seconds.Optimizer) / Median(seconds.Float32):P1} " +
            $"of the float32 step, {Median(seconds.Optimizer) / Median(seconds.Bf16):P1} of the bf16 step");
        return 0;
    }

    public static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>The same program again, without this process's allocator settings.</summary>
    internal static Process Start(params object[] arguments) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!,
        arguments.Select(a => $"{a}"))
    { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    /// <summary>FLOP/s of the products of a block's linear layers, forward and both backward ones, one after the other.</summary>
    private static double Bare(long width, long tokens, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (inputs, outputs, weights) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        var flops = 0.0;
        foreach (var (from, to) in (ReadOnlySpan<(long, long)>)[(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)])
        {
            inputs.Add(randn(tokens, from).to_type(type));
            outputs.Add(randn(tokens, to).to_type(type));
            weights.Add(randn(to, from).to_type(type));
            flops += 6.0 * tokens * from * to;
        }
        var times = new List<double>();
        for (var round = 0; round < 5; round++)
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < inputs.Count; i++)
            {
                using var products = NewDisposeScope();
                mm(inputs[i], weights[i].t());
                mm(outputs[i], weights[i]);
                mm(outputs[i].t(), inputs[i]);
            }
            times.Add(watch.Elapsed.TotalSeconds);
        }
        return flops / Median(times);
    }
}

/// <summary>A model with everything that a training step needs, on random images of 100 classes.</summary>
internal sealed class Stepper : IDisposable
{
    private readonly ImageClassifier model;
    private readonly FlatParameters parameters;
    private readonly IOptimizer optimizer;
    private readonly ICollective ranks;
    private readonly TrainingStep seam;
    private readonly TrainingStep? otherSeam;
    private readonly Batch batch;
    private long step;

    public Stepper(string name, int rows, Precision precision = Precision.Float32, string loss = "ce", int? side = null,
        int? microBatch = null, string? other = null, ICollective? ranks = null, Adapters? adapters = null, bool? own = null,
        Device? device = null)
    {
        this.ranks = ranks ?? new SingleProcess();
        model = new ImageClassifier(ModelRegistry.Create(name, seed: 1, inputSize: side), 100) { Precision = precision, OwnProducts = own };
        if (adapters is not null)
            model.Adapt(adapters);
        model.to(device ?? CPU);
        model.train();
        parameters = new FlatParameters(
            [.. model.NamedParameters().Where(p => p.Parameter.requires_grad)
                .Select(p => ((Tensor)p.Parameter, new ParameterTreatment(1, p.Decays ? 0.05 : 0)))]);
        optimizer = Optimizers.Of(new(), parameters);
        TrainingStep Seam(string of) => new(model, new SharedObjective(
            new JointObjective(new JointOptions { Loss = LossRegistry.Find(of) }), this.ranks), microBatch, device ?? CPU, seed: 0);
        (seam, otherSeam) = (Seam(loss), other is { } second ? Seam(second) : null);
        var size = side ?? model.Backbone.Info.InputSize;
        var ids = arange(rows, ScalarType.Int64);
        var info = model.Backbone.Info;
        // as the loader gives them
        var pixels = randint(256, [rows, info.Channels, size, size], ScalarType.Byte, generator: new Generator(1, CPU));
        batch = new Batch(0, 0, pixels, ids.div(2, RoundingMode.floor).remainder(100), ids, [.. Enumerable.Range(0, rows)],
            [.. Enumerable.Range(0, rows)])
        { Scale = InputShape.Of(info, size) };
    }

    /// <summary>Floating-point operations of a step's products: forward, and twice that backward.</summary>
    public double Flops
    {
        get
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            return 6.0 * batch.Labels.shape[0] * Schane.Models.Layers.FlopCount.Of(() => model.Forward(batch.Normalised(0, 1)));
        }
    }

    public Tensor Gradients => parameters.Gradients;

    /// <summary>How many parameters are trained.</summary>
    public long Trained => model.NamedParameters().Where(p => p.Parameter.requires_grad).Sum(p => p.Parameter.numel());

    public Batch Batch => batch;

    /// <summary>Forward, loss and backward.</summary>
    public void Gradient(bool withOther = false)
    {
        parameters.Gradients.zero_();
        (withOther ? otherSeam! : seam).Run(batch, step).Dispose();
        ranks.Sum(parameters.Gradients);
    }

    public (double Step, double Optimizer) Step(bool withOther = false)
    {
        var watch = Stopwatch.StartNew();
        Gradient(withOther);
        parameters.Gradients.norm().ToDouble();
        var before = watch.Elapsed.TotalSeconds;
        optimizer.Step(1e-4, step++);
        return (watch.Elapsed.TotalSeconds, watch.Elapsed.TotalSeconds - before);
    }

    public void Dispose()
    {
        batch.Dispose();
        optimizer.Dispose();
        parameters.Dispose();
        model.Dispose();
    }
}
