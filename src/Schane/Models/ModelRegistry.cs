using System.Collections.Immutable;
using Schane.Models.Convolutional;
using Schane.Models.Layers;
using Schane.Models.Transformers;
using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>Every backbone by name: the library's, and those a program adds.</summary>
public static class ModelRegistry
{
    private static ImmutableDictionary<string, Variant> variants = ((IEnumerable<Variant>)[.. ConvNetVariants.All,
        .. TransformerVariants.All]).ToImmutableDictionary(v => v.Info.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The names, sorted.</summary>
    public static IReadOnlyList<string> Names => [.. variants.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Makes a backbone of one's own known to recipes and saved models of this process. Call it before anything is trained,
    /// resumed or loaded with it: a run folder keeps the name and the weights, not the code.</summary>
    /// <param name="info">What it takes and gives. Drop path is the library's alone.</param>
    /// <param name="build">Makes one of a description whose input size and channels may differ from <paramref name="info"/>. What it draws
    /// from torch's own generator, as torch's modules do for their initial weights, follows the recipe's seed. Its training passes must
    /// draw nothing: with micro-batches each runs twice.</param>
    /// <exception cref="ArgumentException">The name is another backbone's, or not of small letters, digits, '_', '-' and '.'; or the
    /// description contradicts itself.</exception>
    public static void Register(BackboneInfo info, Func<BackboneInfo, Backbone> build)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentNullException.ThrowIfNull(build);
        if (info.Name.Length == 0 || !info.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-' or '.'))
            throw new ArgumentException($"The name of a backbone is small letters, digits, '_', '-' and '.' but is '{info.Name}'.",
                nameof(info));
        if (info.Channels is not (1 or 3) || info.Mean.Length != info.Channels || info.Std.Length != info.Channels)
            throw new ArgumentException($"{info.Name} must have 1 or 3 channels and as many means and deviations but has " +
                $"{info.Channels}, {info.Mean.Length} and {info.Std.Length}.", nameof(info));
        if (info.HasDropPath)
            throw new ArgumentException($"{info.Name} is a program's own, which has no drop path; leave HasDropPath out.", nameof(info));
        ImmutableInterlocked.Update(ref variants, known => !known.TryGetValue(info.Name, out var same)
            ? known.Add(info.Name, new(info, (wanted, _) => build(wanted), build) { Changed = Unchangeable, IsOwn = true })
            : build.Equals(same.Shape) ? known
            : throw new ArgumentException($"The name '{info.Name}' is that of another backbone already; choose another.", nameof(info)));
    }

    /// <summary>What a backbone takes and gives at its default settings. Builds nothing.</summary>
    /// <exception cref="SchaneException">No backbone of that name; the message names the nearest.</exception>
    public static BackboneInfo InfoOf(string name) => Find(name).Info;

    /// <summary>Builds a backbone with initial weights that depend on the seed, the name and the settings alone.</summary>
    /// <param name="name">A name of <see cref="Names"/>, in any case; perhaps with other numbers behind a colon:
    /// <c>vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3,mlp=3</c>. <c>members=3,views=4</c> is the mean of three such nets over
    /// four views of each image, as <c>schane average</c> makes it.</param>
    /// <param name="seed">Seed of the initial weights.</param>
    /// <param name="channels">1 or 3; null for the variant's own.</param>
    /// <param name="inputSize">Side of the input in pixels; null for the variant's own.</param>
    /// <param name="dropPath">Share of samples whose last residual branch is dropped in training, rising linearly from 0 at
    /// the first; 0 to below 1.</param>
    /// <exception cref="SchaneException">No backbone of that name, or a setting that it can't have.</exception>
    public static Backbone Create(string name, long seed, int? channels = null, int? inputSize = null, double dropPath = 0)
    {
        var variant = Find(name);
        if (channels is not (null or 1 or 3))
            throw new SchaneException($"Channels must be 1 or 3 but is {channels}.");
        if (inputSize is < 8 or > 4096)
            throw new SchaneException($"The input size must lie between 8 and 4096 but is {inputSize}.");
        if (dropPath is not (>= 0 and < 1))
            throw new SchaneException($"Drop path must lie between 0 and below 1 but is {dropPath}.");
        if (dropPath > 0 && !variant.Info.HasDropPath)
            throw new SchaneException(
                $"{variant.Info.Name} has no drop path, but {dropPath} is asked for; leave it at 0 or choose a transformer or ConvNeXt.");

        var info = variant.Info with { InputSize = inputSize ?? variant.Info.InputSize };
        if (channels is { } wanted && wanted != info.Channels)
            info = info with { Channels = wanted, Mean = ForChannels(info.Mean, wanted), Std = ForChannels(info.Std, wanted) };
        var backbone = variant.IsOwn ? OwnBackbone.Build(() => variant.Build(info, dropPath), info, seed) : variant.Build(info, dropPath);
        backbone.Another = () => variant.Build(info, dropPath);
        backbone.Initialise(seed);
        return backbone;
    }

    /// <summary>Parameters of the backbone without head, and multiply-adds of one image at its input size, without
    /// embedding look-ups and norms.</summary>
    /// <exception cref="SchaneException">No backbone of that name.</exception>
    public static (long Parameters, long MultiplyAdds) CostOf(string name) =>
        ModelCosts.Known.TryGetValue(Find(name).Info.Name, out var known) ? known : CountCost(name);

    /// <summary>The same, counted in a pass.</summary>
    internal static (long Parameters, long MultiplyAdds) CountCost(string name)
    {
        using var scope = NewDisposeScope();
        using var backbone = Uninitialised(name);
        backbone.eval();
        using var _ = no_grad();
        var image = zeros(1, backbone.Info.Channels, backbone.Info.InputSize, backbone.Info.InputSize);
        return (backbone.parameters().Sum(p => p.numel()), FlopCount.Of(() => backbone.call(image)));
    }

    /// <summary>A backbone at default settings whose weights have no values yet.</summary>
    internal static Backbone Uninitialised(string name)
    {
        var variant = Find(name);
        return variant.Build(variant.Info, 0);
    }

    /// <summary>Numbers and switches of a variant.</summary>
    internal static object ShapeOf(string name) => Find(name).Shape;

    private static float[] ForChannels(float[] values, int channels) =>
        channels == values.Length ? values : [.. Enumerable.Repeat(values.Average(), channels)];

    private static Variant Changed(Variant variant, string settings, string name)
    {
        var read = new VariantSettings(settings, name);
        var changed = read.HasOnly(Averaging.Keys) ? variant : variant.Changed(read);
        var averaging = Averaging.Of(read);
        read.RequireAllAsked();
        foreach (var (width, heads) in changed.Heads)
            if (width % heads != 0)
                throw new SchaneException($"{Printable.Short(name)} must have a width that is a multiple of its " +
                    $"heads, but {width} is none of {heads}.");
        changed = changed with { Info = changed.Info with { Name = name, Weights = null, WeightsLicense = null } };
        return averaging.IsNone ? changed : averaging.Of(changed);
    }

    private static Variant Unchangeable(VariantSettings settings) =>
        throw new SchaneException("A backbone of a program's own has no numbers to change behind a colon; give its name alone.");

    private static Variant Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var (variantName, settings) = name.Split(':', 2) is [var before, var behind] ? (before, behind) : (name, null);
        if (variants.TryGetValue(variantName, out var variant))
            return settings is null ? variant : Changed(variant, settings, $"{variant.Info.Name}:{settings}");
        throw new SchaneException($"There is no model '{Printable.Short(name)}'{Nearest.Hint(variantName, Names)}; " +
            "`schane models list` shows the library's, and ModelRegistry.Register adds one.");
    }
}

/// <summary>One entry of the registry.</summary>
/// <param name="Info">Its description at default settings.</param>
/// <param name="Build">Builds it, without values in its weights, for a description whose channels and input size may
/// differ, and a drop path rate.</param>
/// <param name="Shape">Its numbers and switches.</param>
internal sealed record Variant(BackboneInfo Info, Func<BackboneInfo, double, Backbone> Build, object Shape)
{
    /// <summary>The same with other numbers.</summary>
    public required Func<VariantSettings, Variant> Changed { get; init; }

    /// <summary>Whether a program brought it.</summary>
    public bool IsOwn { get; init; }

    /// <summary>Width and heads of each kind of attention in it.</summary>
    public IReadOnlyList<(int Width, int Heads)> Heads { get; init; } = [];
}
