using Schane.Losses;
using Schane.Recipes;

namespace Schane.Training;

/// <summary>
/// A learning rate per step: linear from <paramref name="Start"/> to the peak over the warm-up, then half a cosine or a straight line
/// towards the final rate. The peak stands both at the end of the warm-up and at the start of the fall; the cosine never quite reaches the
/// final rate, the line ends on it (unilm's cosine_scheduler and its "linear" form).
/// </summary>
/// <param name="Peak">Largest rate.</param>
/// <param name="Steps">All steps.</param>
/// <param name="WarmupSteps">Steps of the warm-up, at most <paramref name="Steps"/>.</param>
/// <param name="Final">What the fall ends towards.</param>
/// <param name="Start">Rate of step 0 where there is a warm-up.</param>
/// <param name="Shape">Shape of the fall.</param>
internal sealed record RateSchedule(double Peak, int Steps, int WarmupSteps, double Final = 0, double Start = 0,
    ScheduleShape Shape = ScheduleShape.Cosine)
{
    public double At(double step)
    {
        if (step < WarmupSteps)
            return Start + (Peak - Start) * step / Math.Max(1, WarmupSteps - 1);
        var (done, all) = (step - WarmupSteps, Steps - WarmupSteps);
        return Shape == ScheduleShape.Linear ? Peak + (Final - Peak) * done / Math.Max(1, all - 1)
            : Final + 0.5 * (Peak - Final) * (1 + Math.Cos(Math.PI * done / all));
    }

    /// <summary>The schedule that a recipe asks for.</summary>
    /// <exception cref="SchaneException">The warm-up is as long as the training or longer.</exception>
    public static RateSchedule Of(Recipe recipe, int steps, int stepsPerEpoch)
    {
        var warmup = recipe.WarmupEpochs is { } epochs ? (long)epochs * stepsPerEpoch : (long)Math.Round(recipe.Warmup * steps);
        if (warmup >= steps && steps > 0)
            throw new SchaneException($"The warm-up is {warmup} steps " +
                $"({(recipe.WarmupEpochs is { } e ? $"warmup-epochs {e} × {stepsPerEpoch}" : $"warmup {recipe.Warmup} of {steps}")}), " +
                $"but the training has {steps}; lower it or train longer.");
        return new(recipe.LearningRate, steps, (int)warmup, recipe.LearningRateFinal, recipe.LearningRateStart, recipe.LearningRateShape);
    }
}
