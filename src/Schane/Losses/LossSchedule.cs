using Schane.Tensors;

namespace Schane.Losses;

/// <summary>How a number moves between its two ends.</summary>
public enum ScheduleShape
{
    /// <summary>On a straight line.</summary>
    Linear,

    /// <summary>On half a cosine: slowly at both ends.</summary>
    Cosine,
}

/// <summary>A number that moves with the optimiser's steps: <see cref="From"/> until <see cref="Delay"/>, then to <see cref="To"/> in
/// <see cref="Steps"/> steps, then stays.</summary>
public sealed record LossSchedule
{
    /// <summary>Shape of the move.</summary>
    public ScheduleShape Shape { get; init; }

    /// <summary>Value up to <see cref="Delay"/>.</summary>
    public double From { get; init => field = Require.InRange(value, 0, double.MaxValue); }

    /// <summary>Value from <see cref="Delay"/> + <see cref="Steps"/> on.</summary>
    public double To { get; init => field = Require.InRange(value, 0, double.MaxValue); }

    /// <summary>Steps before it moves.</summary>
    public int Delay { get; init => field = Require.AtLeast(value, 0); }

    /// <summary>Steps of the move, at least 1.</summary>
    public int Steps { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>A rise from 0 on a straight line: the safe way to start β where hardness hurts early.</summary>
    public static LossSchedule WarmUp(double to, int steps) => new() { To = to, Steps = steps };

    /// <summary>The value at a step, from 0; between two where a run follows the time.</summary>
    public double At(double step)
    {
        var share = Math.Clamp((step - Delay) / Steps, 0, 1);
        if (Shape == ScheduleShape.Cosine)
            share = (1 - Math.Cos(Math.PI * share)) / 2;
        return share < 1 ? From + (To - From) * share : To;
    }
}
