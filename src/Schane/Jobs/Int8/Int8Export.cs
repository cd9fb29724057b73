using Microsoft.ML.OnnxRuntime;
using Schane.Export;
using Schane.Inference;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs.Int8;

/// <summary>Writes a run's model in int8 beside its file in float32, and measures what that costs and gains.</summary>
/// <param name="Weights">The run's weights.</param>
/// <param name="Images">The run's images.</param>
/// <param name="Options">How; <see cref="OnnxWeights.Int8"/>.</param>
internal sealed record Int8Export(string Weights, Int8Images Images, OnnxOptions Options)
{
    private const int Rows = 8;
    private static readonly TimeSpan TimeForSpeed = TimeSpan.FromSeconds(4);

    /// <param name="metadata">What the float32 file says of the model.</param>
    /// <param name="trained">The file in float32, which is there.</param>
    /// <param name="file">The file to write.</param>
    /// <param name="between">A file for the time between: the graph in float32 that gives its inner values.</param>
    /// <param name="stop">Stops between images, passes and weights.</param>
    /// <returns>Nodes of the graph, and what it costs.</returns>
    public (int Nodes, Int8Certificate Certificate) Run(
        IReadOnlyDictionary<string, string> metadata, string trained, string file, string between, CancellationToken stop)
    {
        var (nodes, images) = Write(metadata, file, between, stop);
        File.Delete(between);
        return (nodes, Certificate(trained, file, images, stop));
    }

    private (int Nodes, int Images) Write(IReadOnlyDictionary<string, string> metadata, string file, string between, CancellationToken stop)
    {
        using var model = RunModel.Load(Weights, "cpu");
        string[] values = [];
        OnnxExport.Write(model.Classifier, between, metadata, Options with { Weights = OnnxWeights.Float32 }, graph =>
        {
            values = [.. graph.ValuesInInt8().Values.Distinct()];
            graph.Expose(values);
        }, stop);
        var (ranges, images) = Ranges(between, values, stop);
        return (OnnxExport.Write(model.Classifier, file, metadata, Options, graph => graph.Quantize(ranges), stop), images);
    }

    private (Dictionary<string, Int8Range> Ranges, int Images) Ranges(string file, string[] values, CancellationToken stop)
    {
        using var model = Open(file);
        SeenValues[] seen = [.. values.Select(_ => new SeenValues())];
        var images = 0;
        foreach (var (pixels, labels) in Images.Calibration.For(model, 1, stop))
        {
            model.Run(pixels, labels.Count, values, (i, found) => seen[i].Add(found));
            images += labels.Count;
        }
        if (images == 0)
            throw new SchaneException("Int8 takes its ranges from the run's training images, and none of them can be read; bring them " +
                "back, or store float16.");
        return (values.Zip(seen).ToDictionary(pair => pair.First, pair => pair.Second.Range()), images);
    }

    /// <summary>Runs both files on the same images, in turn.</summary>
    private Int8Certificate Certificate(string trained, string whole, int calibrated, CancellationToken stop)
    {
        using var one = Open(trained);
        using var other = Open(whole);
        var temperature = CalibratedConfidence.Parse(one.Metadata.GetValueOrDefault("confidence"), trained)?.Temperature ?? 1;
        List<double[]> first = [], second = [];
        List<int> right = [];
        var size = one.Input.Channels * one.Input.Size * one.Input.Size;
        var same = new float[Rows * size];                                // one image, many times
        foreach (var (pixels, labels) in Images.Measured.For(one, Rows, stop))
        {
            first.AddRange(Probabilities(one.Run(pixels, labels.Count).Logits, labels.Count, temperature));
            second.AddRange(Probabilities(other.Run(pixels, labels.Count).Logits, labels.Count, temperature));
            right.AddRange(labels);
            for (var row = 0; row < Rows; row++)
                pixels.Span[..size].CopyTo(same.AsSpan(row * size));
        }
        if (right.Count == 0)
            throw new SchaneException($"Int8 is measured on {Images.Source}, and none of these images can be read; bring them back, or " +
                "store float16.");
        PairedSpeed Speed(int rows) => PairedSpeed.Of(() => one.Run(same.AsMemory(0, rows * size), rows),
            () => other.Run(same.AsMemory(0, rows * size), rows), TimeForSpeed, stop);
        var (alone, many) = (Speed(1), Speed(Rows));
        var machine = Machine.Examine();
        return new Int8Certificate(0, Images.Source, calibrated, 0, 0, 0, 0, 0, Options.Int8Limit, 0, 0, 0, 0, 0,
            BytesOf(trained), BytesOf(whole), 1000 * alone.First, 1000 * alone.Second, alone.Speedup,
            Rows, Rows / many.First, Rows / many.Second, many.Speedup, get_num_threads(),
            $"{machine.Processor} ({string.Join(", ", machine.Features)})", $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}")
            .With(first, second, right);
    }

    // Threads of one model that spin would keep the cores from the other.
    private static OnnxModel Open(string file) => OnnxModel.Open(file, get_num_threads(),
        session => session.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"));

    private static IEnumerable<double[]> Probabilities(float[] logits, int rows, double temperature) =>
        Enumerable.Range(0, rows).Select(row => CalibratedConfidence.Softmax(
            logits.AsSpan(row * (logits.Length / rows), logits.Length / rows), temperature));

    private static long BytesOf(string file) => new FileInfo(file).Length
        + (File.Exists(file + OnnxWriter.DataSuffix) ? new FileInfo(file + OnnxWriter.DataSuffix).Length : 0);
}
