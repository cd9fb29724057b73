using System.Diagnostics;
using System.Diagnostics.Metrics;
using Schane.Runs;

namespace Schane.Inference;

/// <summary>What classifiers tell OpenTelemetry: a trace and metrics of each pass, both under the name <c>Schane</c>.</summary>
internal static class ClassifierTelemetry
{
    /// <summary>Name of the meter and of the source of traces.</summary>
    public const string Name = "Schane";

    private static readonly ActivitySource traces = new(Name, RunFolder.Version);
    private static readonly Meter meter = new(Name, RunFolder.Version);

    private static readonly Counter<long> images =
        meter.CreateCounter<long>("schane.classifier.images", "{image}", "Images that passed the model.");

    private static readonly Histogram<double> seconds = meter.CreateHistogram<double>("schane.classifier.pass.duration", "s",
        "Time of a pass of the model, without waiting for it.",
        advice: new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] });

    private static readonly Counter<long> unknown =
        meter.CreateCounter<long>("schane.classifier.unknown", "{image}", "Answers that are unknown.");

    /// <summary>Makes a pass and tells of it.</summary>
    public static T Pass<T>(ModelCard card, int rows, Func<T> pass)
    {
        using var trace = traces.StartActivity("schane.pass");
        trace?.SetTag("schane.model", card.Architecture).SetTag("schane.images", rows);
        var start = Stopwatch.GetTimestamp();
        var made = pass();
        var model = new KeyValuePair<string, object?>("schane.model", card.Architecture);
        seconds.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, model);
        images.Add(rows, model);
        return made;
    }

    public static void Unknown(ModelCard card) => unknown.Add(1, new KeyValuePair<string, object?>("schane.model", card.Architecture));
}
