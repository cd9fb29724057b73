using Schane.Checkpoints;
using Schane.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>A backbone, its linear classifier and an optional projection. What a checkpoint holds: the trunk's names at top level, the head
/// under its published name.</summary>
public sealed partial class ImageClassifier : nn.Module
{
    private const string ProjectionName = "projection";

    private readonly Dense head;
    private readonly Dense? distillationHead;
    private readonly Chain? projection;
    private readonly ClassifierOptions options;

    /// <summary>Puts a new head, and a projection if asked for, on a backbone, which it owns from now on.</summary>
    /// <param name="backbone">The trunk.</param>
    /// <param name="classes">C, at least 1.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="classes"/> is below 1.</exception>
    public ImageClassifier(Backbone backbone, int classes, ClassifierOptions? options = null) : base(nameof(ImageClassifier))
    {
        ArgumentNullException.ThrowIfNull(backbone);
        this.options = options ??= new();
        (Backbone, Classes, ProjectionWidth) = (backbone, Tensors.Require.AtLeast(classes, 1, nameof(classes)), options.ProjectionWidth);
        long width = backbone.Info.EmbeddingWidth;
        var deviation = 0.02 * (options.HeadInitScale ?? backbone.Info.HeadInitScale);
        using var init = new WeightInit(options.Seed);

        register_module("backbone", backbone);
        register_module("head", head = new Dense(width, classes, std: deviation));
        head.Initialise(init);
        if (backbone is ITwoHeaded { HasTwoHeads: true })
        {
            register_module(nameof(distillationHead), distillationHead = new Dense(width, classes, std: deviation));
            distillationHead.Initialise(init);
        }
        if (options.ProjectionWidth is not { } projected)
            return;
        var (first, second) = (new Dense(width, width, std: null), new Dense(width, projected, std: null));
        register_module(ProjectionName, projection = new Chain().Add(first, "fc1").Add(new Relu(), "act").Add(second, "fc2"));
        first.Initialise(init);
        second.Initialise(init);
    }

    /// <summary>The trunk.</summary>
    public Backbone Backbone { get; }

    /// <summary>C, the width of the logits.</summary>
    public int Classes { get; }

    /// <summary>Width of the projection; null where there is none.</summary>
    internal int? ProjectionWidth { get; }

    /// <summary>Whether a second head takes other features than the embedding.</summary>
    internal bool HasTwoHeads => distillationHead is not null;

    /// <summary>Number type of the trunk's products in training passes. Never <see cref="Precision.Auto"/>; float32, or the weights'
    /// own type, by default.</summary>
    /// <exception cref="SchaneException">Another for a trunk of a program's own.</exception>
    public Precision Precision
    {
        get;
        set
        {
            if (Backbone.IsOwn && value != Precision.Float32)
                throw new SchaneException($"{Backbone.Info.Name} is a program's own and computes in float32 alone; leave precision at " +
                    "float32 or auto.");
            field = value;
            ScalarType? type = value switch
            {
                Precision.Float32 => null,
                Precision.Bf16 => ScalarType.BFloat16,
                Precision.Fp16 => ScalarType.Float16,
                _ => throw new ArgumentOutOfRangeException(nameof(value), value,
                    "A model computes in float32, bf16 or fp16; what auto means is decided before."),
            };
            foreach (var layer in Backbone.modules().OfType<Layer>())
                layer.Products = type;
        }
    } = Precision.Float32;

    /// <summary>Whether products of linear layers in float32 on the processor are Schane's own; null where that is faster here.</summary>
    internal bool? OwnProducts
    {
        get;
        set
        {
            field = value;
            foreach (var layer in modules().OfType<Dense>())
                layer.OwnProducts = value;
        }
    }

    /// <summary>One pass of the whole model.</summary>
    /// <param name="images">[n, channels, H, W], normalised by the backbone's constants.</param>
    /// <returns>
    /// Embeddings [n, D], not normalised, and logits [n, C]. In training mode the embeddings are those that the contrastive loss sees,
    /// after the projection where there is one; in evaluation mode the trunk's, since the projection serves the loss alone (Khosla et al.
    /// 2020, arXiv:2004.11362, §3.1).
    /// </returns>
    public (Tensor Embeddings, Tensor Logits) Forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (embeddings, logits) = FromFeatures(Backbone.Features(images));
        return (embeddings.MoveToOuterDisposeScope(), logits.MoveToOuterDisposeScope());
    }

    /// <summary>A training pass whose drop paths draw for these samples, one for each image.</summary>
    internal (Tensor Embeddings, Tensor Logits) Forward(Tensor images, SampleDraws draws) =>
        Backbone.Drawing(draws, () => Forward(images));

    /// <summary>The rest of <see cref="Forward(Tensor)"/>, from what <see cref="Models.Backbone.Features"/> gives.</summary>
    internal (Tensor Embeddings, Tensor Logits) FromFeatures(Tensor features)
    {
        using var scope = NewDisposeScope();
        var pooled = Layer.Wide(Backbone.Pool(features));                             // [n, D]
        var embeddings = projection is null || !training ? pooled : projection.call(pooled);
        Tensor logits;                                                    // [n, C]
        if (distillationHead is null)
            logits = head.call(pooled);
        else
        {
            var (classLogits, distillationLogits) = HeadLogits(features);
            logits = (classLogits + distillationLogits) / 2;
        }
        return (embeddings.MoveToOuterDisposeScope(), logits.MoveToOuterDisposeScope());
    }

    /// <summary>The logits of both heads of a distilled transformer, [n, C] each.</summary>
    internal (Tensor Class, Tensor Distillation) HeadLogits(Tensor features)
    {
        using var scope = NewDisposeScope();
        var (classInput, distillationInput) = ((ITwoHeaded)Backbone).HeadInputs(features);
        return (head.call(classInput).MoveToOuterDisposeScope(), distillationHead!.call(distillationInput).MoveToOuterDisposeScope());
    }

    /// <summary>The model's own tensors by their published names: parameters and buffers of trunk, head and projection. They stay the
    /// model's; don't dispose them.</summary>
    public IReadOnlyDictionary<string, Tensor> StateDict()
    {
        var state = new Dictionary<string, Tensor>();
        foreach (var (prefix, part) in Parts())
            foreach (var (name, tensor) in part.state_dict())
                state.Add(prefix + name, tensor);
        return state;
    }

    /// <summary>The parameters with their published names, as <see cref="StateDict"/> has them, without buffers; with the layer id for
    /// layer-wise decay and whether weight decay applies.</summary>
    public IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter, int Layer, bool Decays)> NamedParameters()
    {
        foreach (var (prefix, part) in Parts())
            foreach (var (name, parameter) in part.named_parameters())
                yield return part == Backbone
                    ? (name, parameter, Backbone.LayerOf(name), Backbone.Decays(name, parameter))
                    : (prefix + name, parameter, Backbone.LayerCount, parameter.dim() > 1);
    }

    /// <summary>Running statistics and other tensors that are no parameters, with their published names.</summary>
    internal IEnumerable<(string Name, Tensor Buffer)> Buffers() =>
        Parts().SelectMany(part => part.Part.named_buffers().Select(b => (part.Prefix + b.name, b.buffer)));

    /// <summary>The layers that have weights of their own, by the name of the module in a checkpoint.</summary>
    internal IEnumerable<(string Name, Layer Layer)> Layers() =>
        Parts().SelectMany(part => part.Part.named_modules().Prepend((name: "", module: part.Part)).Where(m => m.module is Layer)
            .Select(m => ((part.Prefix + m.name).TrimEnd('.'), (Layer)m.module)));

    /// <summary>The same model in float64 on the CPU, with the values that this one has now, the same parameters
    /// trained; the caller's.</summary>
    internal ImageClassifier Exact()
    {
        var another = Backbone.Another ?? throw new InvalidOperationException(
            $"{Backbone.Info.Name} was not made by the registry and does not say how to make another.");
        var copy = new ImageClassifier(another(), Classes, options);
        if (Adapters is not null)
            copy.Adapt(Adapters);
        copy.to(ScalarType.Float64);
        using var _ = no_grad();
        var values = copy.StateDict();
        foreach (var (name, tensor) in StateDict())
            values[name].copy_(tensor);
        foreach (var (mine, its) in parameters().Zip(copy.parameters()))
            its.requires_grad = mine.requires_grad;
        return copy;
    }

    /// <summary>Whether no trained parameter stands before the embeddings, so that a contrastive loss could change nothing.</summary>
    internal bool EmbeddingsAreFixed => projection is null && !Backbone.parameters().Any(p => p.requires_grad);

    /// <summary>Trunk, heads and projection with what stands before their names.</summary>
    private IEnumerable<(string Prefix, nn.Module Part)> Parts()
    {
        yield return ("", Backbone);
        yield return ($"{Backbone.Info.HeadName}.", head);
        if (distillationHead is not null)
            yield return ($"{Backbone.Info.HeadName}_dist.", distillationHead);
        if (projection is not null)
            yield return ($"{ProjectionName}.", projection);
    }

    /// <summary>Takes the weights of a checkpoint: every tensor of the trunk must be found and fit, and every tensor of the checkpoint must
    /// have a place or a known reason not to.</summary>
    /// <param name="checkpoint">An open file of weights, <see cref="CheckpointFile.Open(string)"/>.</param>
    /// <param name="heads">What to do with the classifier (and the projection).</param>
    /// <exception cref="SchaneException">A tensor is missing, has a shape that can't be made to fit, or is not known.</exception>
    public LoadingReport Load(ICheckpoint checkpoint, HeadLoading heads = HeadLoading.IfItFits) =>
        new WeightLoading(this, ProjectionName, heads).Load(checkpoint);

    /// <summary>The same from tensors in memory, which are copied and stay the caller's.</summary>
    /// <param name="tensors">Tensors by published name.</param>
    /// <param name="heads">What to do with the classifier (and the projection).</param>
    /// <exception cref="SchaneException">A tensor is missing, has a shape that can't be made to fit, or is not known.</exception>
    public LoadingReport Load(IReadOnlyDictionary<string, Tensor> tensors, HeadLoading heads = HeadLoading.IfItFits)
    {
        using var checkpoint = new TensorsInMemory(tensors);
        return Load(checkpoint, heads);
    }

    private sealed class Relu() : nn.Module<Tensor, Tensor>("Relu")
    {
        public override Tensor forward(Tensor input) => input.relu();
    }
}
