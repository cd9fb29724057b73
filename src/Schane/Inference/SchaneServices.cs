using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Schane.Inference;

/// <summary>Schane in a program with dependency injection.</summary>
public static class SchaneServices
{
    /// <summary>
    /// Adds one <see cref="Classifier"/> for the whole program, opened when it is first asked for and disposed with the program; its
    /// embeddings as <see cref="IEmbeddingGenerator{DataContent, Embedding}"/>; and a health check <c>schane</c>, tagged <c>ready</c>, by
    /// which the model is loaded and answers. Metrics and traces have the name <c>Schane</c>: <c>AddMeter("Schane")</c>,
    /// <c>AddSource("Schane")</c>.
    /// </summary>
    /// <param name="services">The program's services; their <see cref="ILogger{Classifier}"/> is told of what happens unless
    /// <paramref name="options"/> names another.</param>
    /// <param name="run">A run folder, safetensors or ONNX file.</param>
    /// <param name="options">Null for <see cref="InferenceOptions.Default"/>.</param>
    public static IServiceCollection AddSchane(this IServiceCollection services, string run, InferenceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(run);
        options ??= InferenceOptions.Default;
        var isFirst = services.All(service => service.ServiceType != typeof(Classifier));
        services.AddSingleton(all =>
            Classifier.Load(run, options with { Logger = options.Logger ?? all.GetService<ILogger<Classifier>>() }));
        services.AddSingleton(all => all.GetRequiredService<Classifier>().AsEmbeddingGenerator());
        if (isFirst)
            services.AddHealthChecks().Add(new HealthCheckRegistration("schane",
                all => new ClassifierHealth(all.GetRequiredService<Classifier>), failureStatus: null, tags: ["ready"]));
        return services;
    }
}
