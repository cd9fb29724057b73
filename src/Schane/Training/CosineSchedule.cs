namespace Schane.Training;

/// <summary>
/// A learning rate per step: linear from 0 to the peak over the warm-up, then half a cosine towards the final rate. The peak stands both at the
/// end of the warm-up and at the start of the cosine, and the final rate is never quite reached (unilm's cosine_scheduler).
/// </summary>
/// <param name="Peak">Largest rate.</param>
/// <param name="Steps">All steps.</param>
/// <param name="WarmupSteps">Steps of the warm-up, less than <paramref name="Steps"/>.</param>
/// <param name="Final">What the cosine ends towards.</param>
/// <param name="Start">Rate of step 0 where there is a warm-up.</param>
internal sealed record CosineSchedule(double Peak, int Steps, int WarmupSteps, double Final = 0, double Start = 0)
{
    public double At(long step) => step < WarmupSteps
        ? Start + (Peak - Start) * step / Math.Max(1, WarmupSteps - 1)
        : Final + 0.5 * (Peak - Final) * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / (Steps - WarmupSteps)));
}
