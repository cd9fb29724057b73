using Schane.Data.Reading;
using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>Mirrors left and right with the given probability, 0.5 by default.</summary>
public sealed record HorizontalFlip : ImageStep
{
    /// <summary>How often, 0 to 1.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 0.5;

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (random.NextDouble() >= Probability)
            return;
        var (width, height, channels) = (canvas.Width, canvas.Height, canvas.Channels);
        var stride = width * channels;
        var source = canvas.Pixels;
        var drawn = canvas.Draw(width, height, channels);
        for (var y = 0; y < height; y++)
        {
            var from = source.Slice(y * stride, stride);
            var to = drawn.Slice(y * stride, stride);
            if (channels == 3)
                PixelRows.Mirror(from, to);
            else
            {
                from.CopyTo(to);
                to.Reverse();
            }
        }
        canvas.Turn(width, height, channels);
    }
}

/// <summary>Mirrors top and bottom with the given probability, 0.5 by default.</summary>
public sealed record VerticalFlip : ImageStep
{
    /// <summary>How often, 0 to 1.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 0.5;

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (random.NextDouble() >= Probability)
            return;
        var stride = canvas.Width * canvas.Channels;
        var source = canvas.Pixels;
        var drawn = canvas.Draw(canvas.Width, canvas.Height, canvas.Channels);
        for (var y = 0; y < canvas.Height; y++)
            source.Slice(y * stride, stride).CopyTo(drawn[((canvas.Height - 1 - y) * stride)..]);
        canvas.Turn(canvas.Width, canvas.Height, canvas.Channels);
    }
}
