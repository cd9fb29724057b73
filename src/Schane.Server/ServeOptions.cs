using System.Net;

namespace Schane.Server;

/// <summary>How a model is served.</summary>
public sealed record ServeOptions
{
    /// <summary>Run folder, safetensors or ONNX file.</summary>
    public required string Run { get; init; }

    /// <summary>Address to listen on: the loopback address by default; any other needs <see cref="ApiKey"/>.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port, 0 to 65535; 8080 by default, 0 takes a free one.</summary>
    public int Port
    {
        get;
        init =>
            field = value is >= 0 and <= 65535 ? value : throw new SchaneException($"--port must lie between 0 and 65535 but is {value}.");
    } = 8080;

    /// <summary>What requests must show; null asks for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Names by which the server may be called, beside those of its own address.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Largest body in MiB, 16 by default.</summary>
    public int MaxMegabytes { get; init => field = AtLeast(value, 1, "--max-megabytes"); } = 16;

    /// <summary>Most pixels of an image, 50 million by default.</summary>
    public int MaxPixels { get; init => field = AtLeast(value, 1, "--max-pixels"); } = 50_000_000;

    /// <summary>Most images that wait; more are refused with 429. 256 by default.</summary>
    public int Queue { get; init => field = AtLeast(value, 1, "--queue"); } = 256;

    /// <summary>Most images of one pass, 16 by default.</summary>
    public int Batch { get; init => field = AtLeast(value, 1, "--batch"); } = 16;

    /// <summary>How long an image waits for others to share its pass, 2 ms by default.</summary>
    public TimeSpan Delay
    {
        get;
        init => field = value >= TimeSpan.Zero
            ? value : throw new SchaneException($"--delay must be 0 or more but is {value.TotalMilliseconds}.");
    } = TimeSpan.FromMilliseconds(2);

    /// <summary>How long a stopping server waits for what it has accepted, 30 s by default.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Least rate of an upload in bytes a second; slower ones are cut off after <see cref="Grace"/>. 240 by default.</summary>
    public double LeastRate { get; init; } = 240;

    /// <summary>How long headers, and a body below <see cref="LeastRate"/>, may take: 5 s by default.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether training images are shown on another address than the loopback one.</summary>
    public bool ShowTrainingImages { get; init; }

    /// <summary>Where named data sets lie, for the training images.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Where to compute.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Whether the model is proven as it is loaded (<see cref="Schane.Inference.InferenceOptions.Prove"/>).</summary>
    public bool Prove { get; init; } = true;

    private static int AtLeast(int value, int least, string flag) =>
        value >= least ? value : throw new SchaneException($"{flag} must be at least {least} but is {value}.");
}
