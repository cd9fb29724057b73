using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>What a backbone takes and gives.</summary>
/// <param name="Name">Variant name in the registry (timm's name where there is one).</param>
/// <param name="Channels">Input channels, 1 or 3.</param>
/// <param name="InputSize">Side of the square input in pixels.</param>
/// <param name="EmbeddingWidth">D, the width of the embedding.</param>
/// <param name="Mean">Normalisation mean per channel, for inputs in [0, 1].</param>
/// <param name="Std">Normalisation deviation per channel.</param>
/// <param name="HeadName">Where the classifier's weights stand in a checkpoint: <c>fc</c>, <c>head</c>, <c>head.fc</c>.</param>
public sealed record BackboneInfo(string Name, int Channels, int InputSize, int EmbeddingWidth, float[] Mean, float[] Std, string HeadName)
{
    /// <summary>Published weights to start from, as the weights hub takes them (<c>hf:timm/…</c>); null where none are published.</summary>
    public string? Weights { get; init; }

    /// <summary>Licence of those weights; null where there are none.</summary>
    public string? WeightsLicense { get; init; }

    /// <summary>Paper or repository the architecture is from.</summary>
    public string Source { get; init; } = "";

    /// <summary>Factor on the initial weights of a new classifier that it is fine-tuned with: 0.001 for BEiT-3, 1 for others.</summary>
    public double HeadInitScale { get; init; } = 1;

    /// <summary>Whether drop path can be asked for.</summary>
    public bool HasDropPath { get; init; }
}

/// <summary>A trunk: images [n, C, H, W] → embeddings [n, D], not normalised. The head is apart. A program's own is made known by
/// <see cref="ModelRegistry.Register"/>; it computes in float32 alone, and its weights are saved under the names of its modules.</summary>
public abstract class Backbone : nn.Module<Tensor, Tensor>
{
    /// <summary>A trunk of the given description.</summary>
    protected Backbone(BackboneInfo info) : base(info.Name)
    {
        Info = info;
        Tensors.TorchContext.Silence();
        // Tells oneDNN of hidden caches before the first convolution, which in a program's own net is torch's.
        _ = Tensors.OneDnn.FailsConvolutions;
    }

    /// <summary>What it takes and gives.</summary>
    public BackboneInfo Info { get; }

    /// <summary>Number of layer ids for layer-wise decay, the head not counted: ids 0 … LayerCount − 1; the head, and a norm between
    /// pooling and head, have LayerCount. The learning rate of id i is scaled by decay^(LayerCount − i).</summary>
    /// By default 1.
    public virtual int LayerCount => 1;

    /// <summary>Layer id of a parameter of this trunk by its name; by default 0.</summary>
    public virtual int LayerOf(string parameter) => 0;

    /// <summary>Whether weight decay applies to a parameter. By default not to vectors (biases, norm weights).</summary>
    public virtual bool Decays(string parameter, Tensor value) => value.dim() > 1;

    /// <summary>Everything before pooling, in the layout of the architecture: [n, D, h, w] for convolutional nets, [n, tokens,
    /// D] for transformers.</summary>
    /// <param name="images">[n, C, H, W], normalised by <see cref="Info"/>.</param>
    public abstract Tensor Features(Tensor images);

    /// <summary><see cref="Features"/> → embeddings [n, D], with the norm that stands between pooling and the
    /// head where there is one.</summary>
    public abstract Tensor Pool(Tensor features);

    /// <summary><see cref="Features"/> in two parts: the last tensor in which every place of the image has numbers of its own that the
    /// embedding depends on, and what makes the features of it. By default that tensor is the features.</summary>
    internal virtual (Tensor Map, Func<Tensor, Tensor> Tail) Split(Tensor images) => (Features(images), map => map);

    /// <summary>A tensor of the shape of the map of <see cref="Split"/> by places of the image, [n, h, w, D]; null where a program's own
    /// trunk does not tell them. By default what is [n, D, h, w].</summary>
    internal virtual Tensor? Places(Tensor map) => map.dim() == 4 ? map.permute(0, 2, 3, 1) : null;

    /// <inheritdoc/>
    public sealed override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return Pool(Features(images)).MoveToOuterDisposeScope();
    }

    /// <summary>A training pass whose drop paths draw for these samples; without drop path they are not asked for.</summary>
    internal T Drawing<T>(SampleDraws draws, Func<T> pass)
    {
        var outer = Drops.Draws;
        Drops.Draws = draws;
        try
        {
            return pass();
        }
        finally
        {
            Drops.Draws = outer;
        }
    }

    /// <summary>Whether blocks keep only their inputs and run again in the backward pass: less memory for about a third more
    /// time. Off by default.</summary>
    /// <exception cref="SchaneException">Turned on for a net with batch norm, whose second run would move its
    /// running statistics, or for a program's own, whose blocks are not known.</exception>
    public bool Recomputes
    {
        get;
        set => field = !value || !(HasBatchStatistics || IsOwn) ? value
            : throw new SchaneException(IsOwn
                ? $"{Info.Name} is a program's own, whose blocks are not known; leave activation checkpointing off."
                : $"{Info.Name} has batch norm, so its blocks can't be run again in the backward pass; leave " +
                "activation checkpointing off or choose a transformer or ConvNeXt.");
    }

    /// <summary>Whether a training pass normalises by the images that pass together, so that it is not the sum of its parts.</summary>
    internal bool HasBatchStatistics =>
        SharesBatchStatistics || named_buffers().Any(b => b.name.EndsWith("running_mean", StringComparison.Ordinal));

    /// <summary>Whether <see cref="NormaliseOver"/> has norms to tell.</summary>
    internal bool SharesBatchStatistics => modules().OfType<BatchNormalization>().Any();

    /// <summary>Whether a program brought it: it has no layer of the library.</summary>
    internal bool IsOwn => !modules().OfType<Layer>().Any();

    /// <summary>Lets batch norm of training passes see the rows of all processes; null: those of this one.</summary>
    internal void NormaliseOver(RankSums? sums)
    {
        foreach (var norm in modules().OfType<BatchNormalization>())
            norm.Over = sums;
    }

    /// <summary>Makes another of the same description whose weights have no values yet; null for a trunk that the
    /// registry did not make.</summary>
    internal Func<Backbone>? Another { get; set; }

    private protected DropPaths Drops { get; } = new();

    /// <summary>A checkpoint whose tensors must be put together before they have a meaning here, put together; by default the checkpoint
    /// itself. It is not disposed.</summary>
    protected internal virtual Checkpoints.ICheckpoint Combined(Checkpoints.ICheckpoint checkpoint) => checkpoint;

    /// <summary>The tensors of a model with this trunk as they are published: by default as they are. New ones belong to the
    /// caller's dispose scope.</summary>
    internal virtual IReadOnlyDictionary<string, Tensor> Published(IReadOnlyDictionary<string, Tensor> state) => state;

    /// <summary>How tensors of a checkpoint are called in this trunk. The names of published checkpoints of other
    /// origin are understood.</summary>
    /// <param name="names">All names of the checkpoint.</param>
    /// <returns>From a name of the checkpoint to the name here; null for a tensor that has no place here and may be left out.</returns>
    protected internal virtual Func<string, string?> Naming(IReadOnlyCollection<string> names) => name => name;

    /// <summary>
    /// A tensor of a checkpoint made to fit <paramref name="wanted"/> where that has a meaning, positions for another input size for
    /// instance; null if it has none. By default the first convolution of an RGB net is summed over its channels for one channel.
    /// </summary>
    protected internal virtual Tensor? Fit(string name, Tensor value, long[] wanted)
    {
        var given = value.shape;
        return wanted.Length == 4 && given.Length == 4 && wanted[1] == 1 && given[1] == 3 && given[0] == wanted[0]
            && given[2] == wanted[2] && given[3] == wanted[3]
            ? value.to(ScalarType.Float32).sum(1, keepdim: true)
            : null;
    }

    /// <summary>Draws initial weights: a function of the seed and the architecture alone.</summary>
    internal void Initialise(long seed)
    {
        using var init = new WeightInit(seed);
        foreach (var layer in modules().OfType<Layer>())
            layer.Initialise(init);
        InitialiseOwn(init);
    }

    /// <summary>Initial values of what is no <see cref="Layer"/>: tokens, positions, last changes.</summary>
    private protected virtual void InitialiseOwn(WeightInit init) { }

    /// <summary>Runs a block, keeping what lies between or not.</summary>
    private protected Tensor Run(Func<Tensor, Tensor> block, Tensor input)
    {
        if (!Recomputes || !training)
            return block(input);
        // The backward pass runs it again, when the pass that draws is over.
        return Recompute.Call(Drops.Draws is { } draws ? x => Drawing(draws, () => block(x)) : block, input);
    }

    /// <summary>For nets with positions: images must have the size they were made for.</summary>
    private protected void RequireInput(Tensor images) =>
        Tensors.Require.Shape(images, [-1, Info.Channels, Info.InputSize, Info.InputSize]);
}
