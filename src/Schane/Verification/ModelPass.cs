using System.Runtime.ExceptionServices;
using Schane.Models;
using Schane.Models.Layers;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>A place in a pass of a model: where a layer is entered or left.</summary>
/// <param name="Number">0, 1, … in order of execution.</param>
/// <param name="Layer">Name of the layer.</param>
/// <param name="Enters">Whether it is the layer's input; else its output.</param>
/// <param name="SumsAll">Whether the layer adds up all images and pixels.</param>
internal readonly record struct Place(int Number, string Layer, bool Enters, bool SumsAll);

/// <summary>Sees each value of a pass and each gradient, and says what goes on in its place.</summary>
internal interface IPassObserver
{
    /// <returns>A new tensor of the same shape.</returns>
    Tensor Value(Place place, Tensor value);

    /// <returns>A new tensor of the same shape.</returns>
    Tensor Gradient(Place place, Tensor gradient);
}

/// <summary>What comes out of a pass.</summary>
/// <param name="Embeddings">[n, D].</param>
/// <param name="Logits">[n, C].</param>
/// <param name="Gradients">Of the images, named <c>images</c>, and of each parameter that is trained and that a gradient reaches; none
/// without a backward pass.</param>
internal sealed record PassResult(Tensor Embeddings, Tensor Logits, IReadOnlyList<(string Name, Tensor Gradient)> Gradients);

/// <summary>How far a pass goes back.</summary>
internal enum Backward
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>From layer to layer to the images.</summary>
    Values,

    /// <summary>That, and the gradients of the parameters.</summary>
    All,
}

/// <summary>A forward and a backward pass of a model under observation. The model's own gradients are not touched.</summary>
internal static class ModelPass
{
    public const string Images = "images";

    /// <param name="model">In the mode and precision that the pass is to have.</param>
    /// <param name="images">[n, C, H, W] on the model's device, in the number type of its weights.</param>
    /// <param name="backward">What gradients are taken of, of fixed weighted sums of embeddings and logits.</param>
    /// <param name="observer">Told of every layer.</param>
    /// <returns>In the dispose scope around the call.</returns>
    public static PassResult Run(ImageClassifier model, Tensor images, Backward backward, IPassObserver observer)
    {
        using var scope = NewDisposeScope();
        ExceptionDispatchInfo? failure = null;
        var number = 0;
        var hooks = new List<Action>();
        try
        {
            foreach (var (name, layer) in model.Layers())
            {
                var sums = layer is BatchNormalization;
                hooks.Add(layer.register_forward_pre_hook((_, x) => At(new(number++, name, Enters: true, sums), x)).remove);
                hooks.Add(layer.register_forward_hook((_, _, y) => At(new(number++, name, Enters: false, sums), y)).remove);
            }
            using var mode = set_grad_enabled(backward != Backward.None);
            if (backward != Backward.None)
                images = images.detach().requires_grad_();
            var (embeddings, logits) = model.Forward(images, SampleDraws.Of((int)images.shape[0]));
            var gradients = backward == Backward.None ? [] : Gradients(model, images, embeddings, logits, backward);
            failure?.Throw();
            return new(embeddings.detach().MoveToOuterDisposeScope(), logits.detach().MoveToOuterDisposeScope(), gradients);
        }
        finally
        {
            hooks.ForEach(remove => remove());
        }

        Tensor At(Place place, Tensor value) => Witness.Call(value, v => observer.Value(place, v), g =>
        {
            try
            {
                return observer.Gradient(place, g);
            }
            catch (Exception e)                                           // must not fly through libtorch's frames
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
                return g.clone();
            }
        });
    }

    private static List<(string, Tensor)> Gradients(
        ImageClassifier model, Tensor images, Tensor embeddings, Tensor logits, Backward backward)
    {
        var trained = model.NamedParameters().Where(p => p.Parameter.requires_grad && backward == Backward.All)
            .Select(p => (p.Name, (Tensor)p.Parameter));
        List<(string Name, Tensor Value)> wanted = [(Images, images), .. trained];
        List<Tensor> directions = [Direction(embeddings, 0), Direction(logits, 1)];
        var found = autograd.grad([embeddings, logits], [.. wanted.Select(w => w.Value)], directions, allow_unused: true);
        return [.. wanted.Zip(found, (w, gradient) => (w.Name, gradient)).Where(pair => pair.gradient is { IsInvalid: false })
            .Select(pair => (pair.Name, pair.gradient.MoveToOuterDisposeScope()))];
    }

    /// <summary>A gradient to send back: numbers in −1 to 1 that depend on the shape alone, the same in every number type.</summary>
    private static Tensor Direction(Tensor output, int key)
    {
        var values = new float[output.numel()];
        var random = new SampleRandom(key, output.shape[0]);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(2 * random.NextDouble() - 1);
        return tensor(values, output.shape).to_type(output.dtype).to(output.device);
    }
}
