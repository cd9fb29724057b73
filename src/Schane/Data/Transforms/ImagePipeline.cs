using Schane.Data.Reading;
using Schane.Models;
using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>What a model wants to be fed: channels (1 or 3), the side of the square input, and mean and deviation per channel
/// for inputs in [0, 1].</summary>
public sealed record InputShape(int Channels, int Size, float[] Mean, float[] Std)
{
    /// <summary>What a backbone takes, at its own size or another.</summary>
    public static InputShape Of(BackboneInfo info, int? size = null) => new(info.Channels, size ?? info.InputSize, info.Mean, info.Std);

    /// <summary>Per channel, what turns a level of 0 to 255 into (level / 255 − mean) / deviation: level · factor + shift.</summary>
    internal (float[] Factors, float[] Shifts) Scaling() =>
        ([.. Std.Select(s => (float)(1 / (255 * (double)s)))], [.. Mean.Zip(Std, (m, s) => (float)(-(double)m / s))]);
}

/// <summary>
/// Steps on 8-bit images, one after the other, then (value / 255 − mean) / deviation as channels × height × width. Thread-safe, allocates
/// nothing once warm, and prints as one line a step.
/// </summary>
public sealed class ImagePipeline : IImageTransform
{
    [ThreadStatic] private static Canvas? canvas;
    [ThreadStatic] private static byte[]? planes;
    private readonly ImageStep[] steps;
    private readonly InputShape input;
    private readonly float[] factors, shifts;

    /// <summary>A pipeline whose last size is <paramref name="input"/>'s.</summary>
    /// <exception cref="ArgumentException">The steps don't end at the input's size, or mean and deviation
    /// don't fit the channels.</exception>
    public ImagePipeline(InputShape input, params IReadOnlyList<ImageStep> steps)
    {
        if (input.Channels is not (1 or 3) || input.Mean.Length != input.Channels || input.Std.Length != input.Channels)
            throw new ArgumentException($"input must have 1 or 3 channels and as many means and deviations but has {input.Channels}, " +
                $"{input.Mean.Length} and {input.Std.Length}.", nameof(input));
        (int Width, int Height)? size = null;
        foreach (var step in steps)
            size = step.SizeAfter(size);
        if (size != (input.Size, input.Size))
            throw new ArgumentException($"steps must end at {input.Size} × {input.Size} but end at " +
                $"{(size is { } s ? $"{s.Width} × {s.Height}" : "a size that depends on the picture")}.", nameof(steps));
        (this.input, this.steps) = (input, [.. steps]);
        (factors, shifts) = input.Scaling();
    }

    /// <summary>The steps in order.</summary>
    public IReadOnlyList<ImageStep> Steps => steps;

    /// <summary>What it makes images for.</summary>
    internal InputShape Input => input;

    /// <inheritdoc/>
    public (int Channels, int Height, int Width) Output => (input.Channels, input.Size, input.Size);

    /// <inheritdoc/>
    public void Apply(Image8 image, ref SampleRandom random, Span<float> destination)
    {
        Normalise(Draw(image, ref random), destination);
    }

    /// <summary>Whether <see cref="ApplyToFile"/> is faster than decoding first: the first step cuts a random box.</summary>
    internal bool CropsFirst => steps is [RandomResizedCrop, ..];

    /// <summary><see cref="Apply"/> without normalisation: channels × height × width bytes.</summary>
    internal void ApplyBytes(Image8 image, ref SampleRandom random, Span<byte> destination) =>
        Separate(Draw(image, ref random), destination);

    /// <summary><see cref="Apply"/> from a file in memory, of which no more is decoded than the first step's box needs.</summary>
    internal void ApplyToFile(ReadOnlySpan<byte> file, string name, ImageLimits limits, ref SampleRandom random, Span<float> destination) =>
        Normalise(Cut(file, name, limits, ref random), destination);

    /// <summary>The same without normalisation: channels × height × width bytes.</summary>
    internal void ApplyBytesToFile(ReadOnlySpan<byte> file, string name, ImageLimits limits,
        ref SampleRandom random, Span<byte> destination) =>
        Separate(Cut(file, name, limits, ref random), destination);

    private Canvas Cut(ReadOnlySpan<byte> file, string name, ImageLimits limits, ref SampleRandom random)
    {
        var picture = canvas ??= new();
        CropDecoder.Decode(file, name, limits, (RandomResizedCrop)steps[0], input.Channels, ref random, picture);
        foreach (var step in steps.AsSpan(1))
            step.Apply(picture, ref random);
        return picture;
    }

    /// <summary>Interleaved pixels as planes; a gray image is repeated for a model of three channels.</summary>
    private void Separate(Canvas picture, Span<byte> destination)
    {
        var plane = input.Size * input.Size;
        if (destination.Length != plane * input.Channels)
            throw new ArgumentException($"destination must have {plane * input.Channels} elements but has {destination.Length}.",
                nameof(destination));
        if (picture.Channels == 3)
            PixelRows.Separate(picture.Pixels, destination);
        else
            for (var c = 0; c < input.Channels; c++)
                picture.Pixels.CopyTo(destination[(c * plane)..]);
    }

    private void Normalise(Canvas picture, Span<float> destination)
    {
        var plane = input.Size * input.Size;
        if (destination.Length != plane * input.Channels)
            throw new ArgumentException($"destination must have {plane * input.Channels} elements but has {destination.Length}.",
                nameof(destination));
        var levels = picture.Pixels;
        if (picture.Channels == 3)
        {
            var separate = Resampler.Grow(ref planes, 3 * plane).AsSpan(0, 3 * plane);
            PixelRows.Separate(levels, separate);
            levels = separate;
        }
        for (var c = 0; c < input.Channels; c++)
            PixelRows.Scale(levels.Slice(picture.Channels == 3 ? c * plane : 0, plane), factors[c], shifts[c],
                destination.Slice(c * plane, plane));
    }

    /// <summary>The image as the steps leave it, before normalisation: for showing.</summary>
    public Image8 Show(Image8 image, ref SampleRandom random) => Draw(image, ref random).ToImage();

    /// <summary>One line a step, and the normalisation last.</summary>
    public override string ToString() =>
        string.Join('\n', steps.Select(s => s.ToString())
            .Append($"Normalize {{ Mean = [{string.Join(", ", input.Mean)}], Std = [{string.Join(", ", input.Std)}] }}"));

    private Canvas Draw(Image8 image, ref SampleRandom random)
    {
        var picture = canvas ??= new();
        picture.Load(image);
        if (input.Channels == 1)
            picture.ToChannels(1);
        foreach (var step in steps)
            step.Apply(picture, ref random);
        return picture;
    }
}
