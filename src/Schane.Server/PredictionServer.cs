using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Schane.Inference;
using Schane.Jobs;
using Schane.Runs;

namespace Schane.Server;

/// <summary>A trained model behind HTTP: what <c>schane serve</c> does.</summary>
public sealed class PredictionServer : IAsyncDisposable
{
    private const int MostConnections = 1024;
    private readonly WebApplication app;
    private readonly MicroBatcher batcher;
    private readonly Classifier classifier;
    private readonly ServeMetrics metrics;

    private PredictionServer(WebApplication app, MicroBatcher batcher, Classifier classifier, ServeMetrics metrics) =>
        (this.app, this.batcher, this.classifier, this.metrics) = (app, batcher, classifier, metrics);

    /// <summary>What loading the model has to tell people; null for nothing.</summary>
    public string? Notice => classifier.Notice;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(app.Urls.First());

    /// <summary>Opens the model, warms it up and listens.</summary>
    /// <param name="options">What to serve, where, and its limits.</param>
    /// <param name="cancel">Stops the start.</param>
    /// <exception cref="SchaneException">No model there, an address other than loopback without a key, or the port is taken.</exception>
    public static async Task<PredictionServer> StartAsync(ServeOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var isLoopback = IPAddress.IsLoopback(options.Address);
        if (!isLoopback && string.IsNullOrEmpty(options.ApiKey))
            throw new SchaneException($"Served on {options.Address}, others can reach the model, so a key is needed: put one in " +
                "SCHANE_API_KEY or --api-key-file, or leave --address out.");
        var classifier = Classifier.Load(options.Run,
            new()
            {
                Device = options.Device,
                Prove = options.Prove,
                Limits = new()
                {
                    MaxMegabytes = options.MaxMegabytes,
                    MaxPixels = options.MaxPixels,
                    SettingOfPixels = "--max-pixels",
                    OnlyBuiltIn = true,
                },
            });
        classifier.WarmUp(options.Batch);
        var examples = (isLoopback || options.ShowTrainingImages) && Directory.Exists(options.Run)
            ? TrainingExamples.Open(options.Run, options.DataRoot) : null;
        var metrics = new ServeMetrics();
        var batcher = new MicroBatcher(classifier, options, metrics);
        var guard = new Guard(options);
        var app = Build(options);
        app.UseStatusCodePages();                                         // a wrong address, method or value is told why, too
        app.Use((context, next) => Routes.Protect(context, next, guard, metrics));
        Routes.Map(app, new Service(classifier, batcher, examples, metrics,
            Path.GetFileName(Path.TrimEndingDirectorySeparator(options.Run)), guard.NeedsKey, classifier.Explains()));
        var server = new PredictionServer(app, batcher, classifier, metrics);
        try
        {
            await app.StartAsync(cancel).ConfigureAwait(false);
            return server;
        }
        catch (Exception e)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            if (e is IOException { InnerException: AddressInUseException })
                throw new SchaneException($"Port {options.Port} of {options.Address} is taken by another program; name another with " +
                    "--port, or 0 for a free one.", e);
            if (e is IOException or SocketException)
                throw new SchaneException($"{options.Address}:{options.Port} can't be listened on ({e.Message.TrimEnd('.')}); name " +
                    "another --address or --port.", e);
            throw;
        }
    }

    /// <summary>Takes no more requests, answers those it has, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await app.StopAsync().ConfigureAwait(false);
        await batcher.DisposeAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        classifier.Dispose();
        metrics.Dispose();
    }

    private static WebApplication Build(ServeOptions options)
    {
        // Empty: no file of the folder it is started in, and no variable of the environment, has a say.
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "Schane" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = (long)options.MaxMegabytes << 20;
            kestrel.Limits.RequestHeadersTimeout = options.Grace;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(options.LeastRate, options.Grace);
            kestrel.Listen(options.Address, options.Port);
        });
        var services = builder.Services;
        services.AddSingleton<IHostLifetime, OwnersLifetime>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        services.Configure<FormOptions>(form =>
            (form.MultipartBodyLengthLimit, form.MemoryBufferThreshold) = ((long)options.MaxMegabytes << 20, options.MaxMegabytes << 20));
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
        services.AddRouting();
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Routes.Explain);
        services.AddOpenApi(document => document.AddDocumentTransformer((about, _, _) =>
        {
            (about.Info.Title, about.Info.Version) = ("Schane", RunFolder.Version);
            return Task.CompletedTask;
        }));
        services.AddOpenTelemetry().ConfigureResource(about => about.AddService("schane", serviceVersion: RunFolder.Version))
            .WithMetrics(all => all.AddMeter(ServeMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                .AddPrometheusExporter());
        return builder.Build();
    }

    /// <summary>The program that started the server ends it and handles the signals.</summary>
    private sealed class OwnersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
