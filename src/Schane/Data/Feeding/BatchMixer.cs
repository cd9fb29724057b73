using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Data.Feeding;

// R rows, C classes.

/// <summary>Mixed images and the classes they are mixed from.</summary>
/// <param name="Images">[R, channels, H, W], float32.</param>
/// <param name="Mixture">[R, C], float32: each row's shares of the classes, sum 1, before any label smoothing.</param>
internal sealed record MixedImages(Tensor Images, Tensor Mixture) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Mixture.Dispose();
    }
}

/// <summary>What one group draws: the share that an image keeps and, for CutMix, the box that it gets from its partner.</summary>
internal readonly record struct MixDraw(double Keep, (int Top, int Bottom, int Left, int Right)? Box);

/// <summary>
/// Mixup and CutMix inside fixed groups of consecutive images: the first image of a group is mixed with the last, the second with the last
/// but one, and so on, as timm does over a whole batch. Draws are a pure function of (seed, step, view, group), so neither ranks nor
/// micro-batches nor a second run change them.
/// </summary>
internal sealed class BatchMixer
{
    private readonly MixOptions options;
    private readonly int classes;
    private readonly long seed;

    /// <summary>A mixer for labels 0 … <paramref name="classes"/> − 1.</summary>
    /// <exception cref="ArgumentException">Both kinds are turned off.</exception>
    public BatchMixer(MixOptions options, int classes, long seed)
    {
        if (options.MixupAlpha == 0 && options.CutMixAlpha == 0)
            throw new ArgumentException("MixupAlpha or CutMixAlpha must be above 0; use no mixer to mix nothing.", nameof(options));
        (this.options, this.classes, this.seed) = (options, Require.AtLeast(classes, 2, nameof(classes)), seed);
    }

    /// <summary>Images that are mixed with each other; shares of ranks must not cut such a group.</summary>
    public int GroupSize => options.GroupSize;

    /// <summary>Mixes a batch; the batch stays as it is. An image whose group holds no other (its partner could not be
    /// read) stays unmixed.</summary>
    /// <returns>New tensors on the images' device, in the dispose scope around the call.</returns>
    public MixedImages Mix(Batch batch)
    {
        using var scope = NewDisposeScope();
        var plan = Plan(batch);
        return new(plan.Images(0, batch.Images.shape[0]).MoveToOuterDisposeScope(), plan.Mixture.MoveToOuterDisposeScope());
    }

    /// <summary>What will be mixed with what; the images themselves are mixed as they are asked for.</summary>
    internal MixPlan Plan(Batch batch)
    {
        using var scope = NewDisposeScope();
        var n = batch.Indices.Length;
        var (height, width) = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        var mixture = batch.Targets?.clone() ?? nn.functional.one_hot(batch.Labels, classes).to_type(float32);      // [R, C]
        var groups = new List<(int First, int Count, MixDraw? Draw)>();
        for (var view = 0; view < batch.Images.shape[0] / n; view++)
            for (int from = 0, to; from < n; from = to)
            {
                var group = batch.Positions[from] / options.GroupSize;
                for (to = from + 1; to < n && batch.Positions[to] / options.GroupSize == group; to++) { }
                var draw = Draw(new SampleRandom(seed, batch.Step, view, group), height, width);
                groups.Add((view * n + from, to - from, draw));
                if (draw is { } drawn)
                    MixShares(mixture.narrow(0, view * n + from, to - from), drawn.Keep);
            }
        return new(batch, groups, mixture.MoveToOuterDisposeScope());
    }

    /// <summary>Mixes one group in place.</summary>
    internal static void Apply(Tensor images, Tensor mixture, MixDraw draw)
    {
        MixImages(images, draw);
        MixShares(mixture, draw.Keep);
    }

    internal static void MixImages(Tensor images, MixDraw draw)
    {
        using var scope = NewDisposeScope();
        var partners = images.flip(0);
        if (draw.Box is var (top, bottom, left, right))
            images[.., .., top..bottom, left..right] = partners[.., .., top..bottom, left..right];
        else
            images.mul_(draw.Keep).add_(partners, 1 - draw.Keep);
    }

    private static void MixShares(Tensor mixture, double keep)
    {
        using var scope = NewDisposeScope();
        mixture.copy_(mixture * keep + mixture.flip(0) * (1 - keep));
    }

    private MixDraw? Draw(SampleRandom random, int height, int width)
    {
        if (random.NextDouble() >= options.Probability)
            return null;
        var cut = options.MixupAlpha == 0 || (options.CutMixAlpha > 0 && random.NextDouble() < options.CutMixShare);
        var keep = random.Beta(cut ? options.CutMixAlpha : options.MixupAlpha);
        return cut ? Box(keep, random.Below(height), random.Below(width), height, width) : new(keep, null);
    }

    /// <summary>A box of about 1 − keep of the area about a centre, cut off at the border; the share kept follows
    /// the box that is left.</summary>
    internal static MixDraw Box(double keep, int centerY, int centerX, int height, int width)
    {
        var ratio = Math.Sqrt(1 - keep);
        var (h, w) = ((int)(height * ratio) / 2, (int)(width * ratio) / 2);
        var (top, bottom) = (Math.Max(centerY - h, 0), Math.Min(centerY + h, height));
        var (left, right) = (Math.Max(centerX - w, 0), Math.Min(centerX + w, width));
        return new(1 - (double)(bottom - top) * (right - left) / (height * width), (top, bottom, left, right));
    }
}
