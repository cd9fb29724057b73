using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Schane.Server;

/// <summary>What /metrics tells beside ASP.NET Core's own: images, refusals, waiting images, images a pass, time an answer.</summary>
internal sealed class ServeMetrics : IDisposable
{
    public const string Name = "Schane.Server";
    private readonly Meter meter = new(Name);
    private readonly Counter<long> pictures, refusals;
    private readonly Histogram<double> seconds;
    private readonly Histogram<int> batch;

    public ServeMetrics()
    {
        pictures = meter.CreateCounter<long>("schane.images", "{image}", "Images that were answered.");
        refusals = meter.CreateCounter<long>("schane.refusals", "{request}", "Requests that were refused, by status.");
        seconds = meter.CreateHistogram<double>("schane.answer.duration", "s", "From a whole body to the answer.",
            advice: new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] });
        batch = meter.CreateHistogram<int>("schane.pass.images", "{image}", "Images of one pass of the model.",
            advice: new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64] });
    }

    public void Watch(Func<int> waiting) =>
        meter.CreateObservableGauge("schane.waiting", waiting, "{image}", "Images that wait for the model.");

    public void Passed(int count) => batch.Record(count);

    public void Answered(int count, long since)
    {
        pictures.Add(count);
        seconds.Record(Stopwatch.GetElapsedTime(since).TotalSeconds);
    }

    public void Refused(int status) => refusals.Add(1, new KeyValuePair<string, object?>("status", status));

    public void Dispose() => meter.Dispose();
}
