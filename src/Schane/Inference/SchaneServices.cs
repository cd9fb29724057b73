using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Schane.Inference;

/// <summary>Schane in a program with dependency injection.</summary>
public static class SchaneServices
{
    /// <summary>Adds one <see cref="Classifier"/> for the whole program, opened when it is first asked for and
    /// disposed with the program.</summary>
    /// <param name="services">The program's services; their <see cref="ILogger{Classifier}"/> is told of what happens unless
    /// <paramref name="options"/> names another.</param>
    /// <param name="run">A run folder, safetensors or ONNX file.</param>
    /// <param name="options">Null for <see cref="InferenceOptions.Default"/>.</param>
    public static IServiceCollection AddSchane(this IServiceCollection services, string run, InferenceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(run);
        options ??= InferenceOptions.Default;
        return services.AddSingleton(all =>
            Classifier.Load(run, options with { Logger = options.Logger ?? all.GetService<ILogger<Classifier>>() }));
    }
}
