using System.CommandLine;
using System.Net;
using Schane.Server;

namespace Schane.Cli.Verbs;

/// <summary>A trained run behind HTTP.</summary>
internal sealed class ServeVerb : Verb
{
    private const string KeyVariable = "SCHANE_API_KEY";
    private readonly Argument<string> run = new("RUN")
    { Description = "Run folder of `schane train`, or a safetensors or ONNX file made from one." };
    private readonly Option<string> address = new("--address")
    {
        HelpName = "IP", DefaultValueFactory = _ => "127.0.0.1",
        Description = "Address to listen on; any but loopback needs a key. Default: 127.0.0.1."
    };
    private readonly Option<int> port = new("--port")
    { HelpName = "N", DefaultValueFactory = _ => 8080, Description = "Port; 0 takes a free one. Default: 8080." };
    private readonly Option<string> keyFile = new("--api-key-file")
    { HelpName = "FILE", Description = $"File with the key that requests must show. Default: ${KeyVariable}." };
    private readonly Option<string[]> hosts = new("--host")
    {
        HelpName = "NAME", AllowMultipleArgumentsPerToken = false, Arity = ArgumentArity.ZeroOrMore,
        Description = "A name by which the server may be called, beside its address; may stand more than once."
    };
    private readonly Option<bool> showTrainingImages = new("--show-training-images")
    { Description = "Show nearest training images on another address than loopback too." };
    private readonly Option<int> megabytes = new("--max-megabytes")
    { HelpName = "N", DefaultValueFactory = _ => 16, Description = "Largest body in MiB. Default: 16." };
    private readonly Option<int> pixels = new("--max-pixels")
    { HelpName = "N", DefaultValueFactory = _ => 50_000_000, Description = "Most pixels of an image. Default: 50000000." };
    private readonly Option<int> queue = new("--queue")
    { HelpName = "N", DefaultValueFactory = _ => 256, Description = "Most images that wait; more are refused with 429. Default: 256." };
    private readonly Option<int> batch = new("--batch")
    { HelpName = "N", DefaultValueFactory = _ => 16, Description = "Most images of one pass. Default: 16." };
    private readonly Option<double> delay = new("--delay")
    {
        HelpName = "MS", DefaultValueFactory = _ => 2,
        Description = "Milliseconds that an image waits for others to share its pass. Default: 2."
    };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string> device = CommonFlags.Device();
    private readonly Option<bool> noProof = CommonFlags.NoProof();

    public ServeVerb() : base("serve",
        "Answers over HTTP: POST /predict, POST /embed, GET /healthz, /metrics, /openapi/v1.json, and a page to drop images on.")
    {
        Add(run);
        Flags("Where", address, port, keyFile, hosts, showTrainingImages);
        Flags("Limits", megabytes, pixels, queue, batch, delay);
        Flags("Machine", dataRoot, device, noProof);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane serve runs/photos-schane-1", "on http://127.0.0.1:8080, for this machine alone"),
        new("curl --data-binary @cat.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8080/predict", "asks it"),
        new("SCHANE_API_KEY=... schane serve RUN --address 0.0.0.0 --host cats.example.org", "for others, with a key"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (!IPAddress.TryParse(parsed.GetRequiredValue(address), out var ip))
            throw new SchaneException($"--address must be an IP address (127.0.0.1, ::1, 0.0.0.0) but is '{parsed.GetValue(address)}'.");
        return ServeAsync(new ServeOptions
        {
            Run = parsed.GetRequiredValue(run),
            Address = ip,
            Port = parsed.GetValue(port),
            ApiKey = Key(parsed.GetValue(keyFile)),
            Hosts = parsed.GetValue(hosts) ?? [],
            ShowTrainingImages = parsed.GetValue(showTrainingImages),
            MaxMegabytes = parsed.GetValue(megabytes),
            MaxPixels = parsed.GetValue(pixels),
            Queue = parsed.GetValue(queue),
            Batch = parsed.GetValue(batch),
            Delay = TimeSpan.FromMilliseconds(parsed.GetValue(delay)),
            DataRoot = parsed.GetValue(dataRoot),
            Device = parsed.GetRequiredValue(device),
            Prove = !parsed.GetValue(noProof),
        }, screen, stop).GetAwaiter().GetResult();
    }

    private static async Task<Outcome> ServeAsync(ServeOptions options, Screen screen, CancellationToken stop)
    {
        await using (var server = await PredictionServer.StartAsync(options, stop).ConfigureAwait(false))
        {
            if (server.Notice is { } notice)
                screen.Say(notice);
            screen.Say($"Serving at {server.Address} until Ctrl-C.");
            await Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            screen.Say("Answering what has been accepted, then ending.");
        }
        return new(new { Ended = true });
    }

    private static string? Key(string? file)
    {
        if (file is null)
            return Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key ? key : null;
        if (!File.Exists(file))
            throw new SchaneException($"There is no key file '{file}'; name one with --api-key-file.");
        return File.ReadAllText(file).Trim() is { Length: > 0 } read
            ? read : throw new SchaneException($"The key file '{file}' is empty; it must hold the key.");
    }
}
