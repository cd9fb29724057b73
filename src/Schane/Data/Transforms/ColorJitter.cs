using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>
/// Random brightness, contrast, saturation and hue in random order (torchvision's <c>ColorJitter</c>). Each of the first three multiplies
/// by a factor in [1 − x, 1 + x], hue is turned by a share in [−x, x] of the circle.
/// </summary>
public sealed record ColorJitter(double Brightness, double Contrast, double Saturation, double Hue) : ImageStep
{
    /// <summary>How often the step is done at all. 1 by default.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 1;

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (random.NextDouble() >= Probability)
            return;
        Span<int> order = [0, 1, 2, 3];
        random.Shuffle(order);
        foreach (var which in order)
        {
            var range = which switch { 0 => Brightness, 1 => Contrast, 2 => Saturation, _ => Hue };
            if (range <= 0)
                continue;
            var pixels = canvas.Own();
            if (which == 0)
                Colour.Brightness(pixels, (float)random.Uniform(Math.Max(0, 1 - range), 1 + range));
            else if (which == 1)
                Colour.Contrast(pixels, canvas.Channels, (float)random.Uniform(Math.Max(0, 1 - range), 1 + range));
            else if (which == 2)
                Colour.Saturation(pixels, canvas.Channels, (float)random.Uniform(Math.Max(0, 1 - range), 1 + range));
            else
                Colour.Hue(pixels, canvas.Channels, random.Uniform(-range, range));
        }
    }
}

/// <summary>Turns to gray with the given probability, channels kept (torchvision's <c>RandomGrayscale</c>).</summary>
public sealed record RandomGrayscale : ImageStep
{
    /// <summary>How often, 0 to 1. 0.2 by default, as SimCLR and SupCon do.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 0.2;

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (random.NextDouble() < Probability && canvas.Channels == 3)
            Colour.Gray(canvas.Own());
    }
}
