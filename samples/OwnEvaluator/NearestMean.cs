using Schane.Data;
using Schane.Data.Transforms;
using Schane.Models;
using Schane.Tensors;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace OwnEvaluator;

/// <summary>Share of images whose embedding is nearest, by cosine, to the mean embedding of their own class: how well the embeddings are
/// grouped, whatever the classifier says.</summary>
/// <param name="images">Images to look at; every class has some.</param>
public sealed class NearestMean(IImageDataset images) : IEvaluator
{
    /// <inheritdoc/>
    public string Part => "val";

    /// <inheritdoc/>
    public IReadOnlyList<string> Metrics => ["nearest_mean"];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Evaluate(ImageClassifier model, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        var (embeddings, _) = model.Forward(Prepared(model, cancellationToken));
        var units = nn.functional.normalize(embeddings, dim: 1);                                       // [n, D]
        var labels = tensor(Enumerable.Range(0, images.Count).Select(i => (long)images.LabelOf(i)).ToArray());
        var members = nn.functional.one_hot(labels, images.Classes.Count).to_type(ScalarType.Float32); // [n, C]
        var means = nn.functional.normalize(members.t().matmul(units), dim: 1);                        // [C, D]
        var nearest = units.matmul(means.t()).argmax(1);
        return new Dictionary<string, double> { ["nearest_mean"] = (nearest == labels).to_type(ScalarType.Float64).mean().ToDouble() };
    }

    /// <summary>All images as the model's input, [n, C, H, W].</summary>
    private Tensor Prepared(ImageClassifier model, CancellationToken cancellationToken)
    {
        var pipeline = TransformPreset.Find("none").Evaluation(InputShape.Of(model.Backbone.Info));
        var (channels, height, width) = pipeline.Output;
        var values = new float[images.Count * channels * height * width];
        for (var i = 0; i < images.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var random = new SampleRandom(i);                                                          // evaluation draws nothing
            var size = channels * height * width;
            pipeline.Apply(images.Read(i), ref random, values.AsSpan(i * size, size));
        }
        return tensor(values, [images.Count, channels, height, width]);
    }
}
