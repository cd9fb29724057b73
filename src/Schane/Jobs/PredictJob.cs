using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Transforms;
using Schane.Inference;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Classes of pictures by a trained run: what <c>schane predict</c> does.</summary>
public sealed class PredictJob : IDisposable
{
    private const int MostPerPass = 64;
    private readonly RunModel model;
    private readonly ImagePipeline transform;
    private readonly Device device;

    /// <param name="folder">Run folder.</param>
    /// <param name="device">Where to compute: <c>cpu</c>, <c>cuda</c>.</param>
    /// <exception cref="SchaneException">No run there, or it did not finish.</exception>
    public PredictJob(string folder, string device = "cpu")
    {
        this.device = Devices.Find(device);
        model = RunModel.Load(RunFolder.Open(folder).Model, device);
        transform = TransformPreset.Find(model.Augmentation).Evaluation(model.Input);
    }

    /// <summary>Class names; there are as many as the run was trained on.</summary>
    public IReadOnlyList<string> Classes => model.Classes;

    /// <summary>The most probable classes of each picture, best first.</summary>
    /// <param name="images">Paths of pictures; read a few at a time.</param>
    /// <param name="top">How many classes, at most as many as there are.</param>
    /// <param name="cancel">Stops between passes.</param>
    /// <exception cref="SchaneException">A picture can't be read; it is named.</exception>
    public IEnumerable<Prediction> Run(IEnumerable<string> images, int top = 5, CancellationToken cancel = default)
    {
        foreach (var some in images.Chunk(MostPerPass))
        {
            cancel.ThrowIfCancellationRequested();
            foreach (var prediction in Pass(some, Math.Min(top, Classes.Count)))
                yield return prediction;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    private List<Prediction> Pass(string[] paths, int top)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (channels, height, width) = transform.Output;
        var pixels = new float[paths.Length * channels * height * width];
        for (var i = 0; i < paths.Length; i++)
        {
            var random = new SampleRandom();
            transform.Apply(ImageDecoder.DecodeFile(paths[i]), ref random, pixels.AsSpan(i * channels * height * width, channels * height * width));
        }
        var (_, logits) = model.Classifier.Forward(tensor(pixels, [paths.Length, channels, height, width]).to(device));
        var (values, indices) = logits.softmax(1).cpu().topk(top, 1);
        var (probabilities, labels) = (values.data<float>().ToArray(), indices.data<long>().ToArray());
        return [.. paths.Select((path, i) => new Prediction(path,
            [.. Enumerable.Range(i * top, top).Select(k => new ClassProbability(Classes[(int)labels[k]], probabilities[k]))]))];
    }
}

/// <summary>What a picture shows.</summary>
/// <param name="Image">Its path.</param>
/// <param name="Top">Most probable first.</param>
public sealed record Prediction(string Image, IReadOnlyList<ClassProbability> Top);

/// <summary>One class and how probable it is.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Probability">Softmax of the logits, 0 to 1.</param>
public sealed record ClassProbability(string Class, double Probability);
