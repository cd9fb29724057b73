using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Schane.Inference;

/// <summary>Whether the model answers: it is loaded where it was not, and embeds a gray image.</summary>
/// <param name="classifier">Loads the model, once.</param>
internal sealed class ClassifierHealth(Func<Classifier> classifier) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.Run(() =>
        {
            try
            {
                var model = classifier();
                return model.Embed([model.Gray()]).All(float.IsFinite)
                    ? HealthCheckResult.Healthy($"{model.Card.Architecture}, {model.Classes.Count} classes")
                    : HealthCheckResult.Unhealthy("The model gives numbers that are not finite.");
            }
            catch (Exception e) when (e is SchaneException or IOException or ObjectDisposedException)
            {
                return HealthCheckResult.Unhealthy(e.Message, e);
            }
        }, cancellationToken);
}
