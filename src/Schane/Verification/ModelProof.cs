using Schane.Models;
using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>
/// Whether this machine computes a model as float64 on the CPU says. Each layer, and what lies between two layers, is compared by itself,
/// forward and backward: the exact pass is given the values and gradients of the pass that is looked at, wherever a layer is entered or
/// left. So an error is that of the place where it is made, however deep the net, and no later layer is blamed for it.
/// </summary>
internal static class ModelProof
{
    /// <summary>Most images that pass together.</summary>
    public const int MostImages = 8;

    private const double WorthOfBatch = 1e9;                              // multiply-adds of a forward pass of the batch
    private const int LeastImages = 2;
    private const long MostParameters = 20_000_000;                       // whose gradients are looked at twice

    /// <summary>
    /// Proves training passes, forward and backward, in the model's precision: one image alone, then a batch; where that is not float32,
    /// evaluation of the batch too, which always is.
    /// </summary>
    /// <param name="model">Its mode, precision, statistics and gradients are left as they are, bit for bit.</param>
    /// <param name="images">[k, C, H, W] in float32 on the CPU, normalised; at least two. Fewer are used of a costlier model.</param>
    public static ProofResult OfTraining(ImageClassifier model, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var kept = new KeptState(model);
        using var exact = model.Exact();
        model.Backbone.Recomputes = false;
        model.Backbone.NormaliseOver(null);

        // The statistics of one image's few pixels may be of no use to training, so it passes by those that the model has.
        model.train();
        exact.train();
        foreach (var norm in model.modules().Concat(exact.modules()).OfType<BatchNormalization>())
            norm.eval();
        var alone = model.NamedParameters().Sum(p => p.Parameter.numel()) > MostParameters ? Backward.Values : Backward.All;
        ProofResult? one = null;
        var cost = FlopCount.Of(() => one = Compare(model, exact, images.narrow(0, 0, 1), alone));
        var batch = Batch(images, cost);
        // Before the training pass, which moves the statistics that evaluation goes by.
        var found = model.Precision == Precision.Float32 ? one! : one!.And(Evaluated(model, exact, batch));
        model.train();
        exact.train();
        return found.And(Compare(model, exact, batch, Backward.All));
    }

    /// <summary>Proves passes of evaluation and prediction, which have no backward pass: one image alone, then a batch.</summary>
    /// <inheritdoc cref="OfTraining"/>
    public static ProofResult OfInference(ImageClassifier model, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var kept = new KeptState(model);
        using var exact = model.Exact();
        ProofResult? one = null;
        var cost = FlopCount.Of(() => one = Evaluated(model, exact, images.narrow(0, 0, 1)));
        return one!.And(Evaluated(model, exact, Batch(images, cost)));
    }

    /// <param name="images">All that there are.</param>
    /// <param name="cost">Multiply-adds of two forward passes of one of them.</param>
    private static Tensor Batch(Tensor images, long cost) =>
        images.narrow(0, 0, Math.Min(images.shape[0], Math.Clamp((long)(2 * WorthOfBatch / cost), LeastImages, MostImages)));

    private static ProofResult Evaluated(ImageClassifier model, ImageClassifier exact, Tensor images)
    {
        model.eval();
        exact.eval();
        return Compare(model, exact, images, Backward.None);
    }

    private static ProofResult Compare(ImageClassifier model, ImageClassifier exact, Tensor images, Backward backward)
    {
        using var scope = NewDisposeScope();
        var like = model.NamedParameters().First().Parameter;
        var inputs = images.to(like.device);
        using var seen = new PassRecord();
        var found = ModelPass.Run(model, inputs, backward, seen);
        var precision = model.training ? model.Precision : Precision.Float32;
        var comparison = new PassComparison(seen, precision, like.device_type, (int)images.shape[0]);
        comparison.Finish(found, ModelPass.Run(exact, images.to_type(ScalarType.Float64), backward, comparison));
        return comparison.Judge(
            () => new(seen, found, precision, like.device_type, again => ModelPass.Run(model, inputs, backward, again)));
    }
}
