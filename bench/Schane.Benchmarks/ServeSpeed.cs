using System.Diagnostics;
using System.Globalization;
using System.Net;
using Schane.Jobs;
using Schane.Server;

namespace Schane.Benchmarks;

/// <summary>How long does a request to <c>schane serve</c> wait, at which load? Client and server share the process and its cores, so times
/// are upper bounds; one client at a time is the baseline.</summary>
internal static class ServeSpeed
{
    public static int Run(string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("schane-serve-").FullName;
        try
        {
            foreach (var name in names.Length > 0 ? names : ["schane_tiny", "resnet18"])
                One(name, Path.Combine(folder, name)).GetAwaiter().GetResult();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static async Task One(string name, string path)
    {
        PredictSpeed.Untrained(name, path);
        var onnx = Path.Combine(path, "model.onnx");
        ExportJob.Run(path, onnx);
        var pictures = PredictSpeed.PicturesIn(path).Select(File.ReadAllBytes).ToArray();
        foreach (var (model, what) in ((string, string)[])[(path, "run"), (onnx, "ONNX")])
        {
            await using var server = await PredictionServer.StartAsync(new ServeOptions { Run = model, Port = 0 });
            using var client = new HttpClient { BaseAddress = server.Address };
            await Load(client, pictures, 64, 8);
            foreach (var clients in (int[])[1, 8, 64])
            {
                // About four seconds each, at most the 10,000 requests that the test makes.
                var probe = await Load(client, pictures, 64, clients);
                var (times, seconds, lost) = await Load(client, pictures, Math.Clamp((int)(4 * 64 / probe.Seconds), 64, 10_000), clients);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name}, {what}, {clients} at once: {times.Length} requests, {times.Length / seconds:f0}/s, p50 " +
                    $"{times[times.Length / 2]:f1} ms, p99 {times[times.Length * 99 / 100]:f1} ms, {lost} lost"));
            }
        }
    }

    private static async Task<(double[] Milliseconds, double Seconds, int Lost)> Load(HttpClient client,
        byte[][] pictures, int requests, int clients)
    {
        var (times, lost) = (new double[requests], 0);
        var clock = Stopwatch.StartNew();
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = clients }, async (i, cancel) =>
        {
            var since = Stopwatch.GetTimestamp();
            using var body = new ByteArrayContent(pictures[i % pictures.Length]);
            using var response = await client.PostAsync("predict?top=1", body, cancel);
            await response.Content.ReadAsByteArrayAsync(cancel);
            times[i] = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
            if (response.StatusCode != HttpStatusCode.OK)
                Interlocked.Increment(ref lost);
        });
        var seconds = clock.Elapsed.TotalSeconds;
        Array.Sort(times);
        return (times, seconds, lost);
    }
}
