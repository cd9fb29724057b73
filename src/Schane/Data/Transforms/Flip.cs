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
        var pixels = canvas.Own();
        var (w, c) = (canvas.Width, canvas.Channels);
        for (var y = 0; y < canvas.Height; y++)
        {
            var row = pixels.Slice(y * w * c, w * c);
            row.Reverse();
            if (c == 3)                                                   // reversing bytes turned the channels round, too
                for (var x = 0; x < row.Length; x += 3)
                    (row[x], row[x + 2]) = (row[x + 2], row[x]);
        }
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
