using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Schane.Tests.Checkpoints;

/// <summary>A real HTTP/1.1 server on loopback, one connection a request, that can misbehave at the level of bytes.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Func<Request, Task> answer;

    /// <summary>Requests so far, in order.</summary>
    public List<Request> Requests { get; } = [];

    public LoopbackServer(Func<Request, Task> answer)
    {
        this.answer = answer;
        listener.Start();
        _ = ServeAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public Uri Address => new($"http://127.0.0.1:{Port}/");

    /// <summary>The same server under another host name.</summary>
    public Uri OtherName => new($"http://localhost:{Port}/");

    public int Count(string method) => Snapshot().Count(r => r.Method == method);

    public Request[] Snapshot()
    {
        lock (Requests)
            return [.. Requests];
    }

    public void Dispose()
    {
        stop.Cancel();
        listener.Dispose();
        stop.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            TcpClient client;
            try
            {
                client = await listener.AcceptTcpClientAsync(stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = AnswerAsync(client);
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var head = new StringBuilder();
                var one = new byte[1];
                while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) == 1)
                    head.Append((char)one[0]);
                var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                if (lines.Length == 0)
                    return;
                var first = lines[0].Split(' ');
                var request = new Request(first[0], first[1], lines.Skip(1).Select(l => l.Split(": ", 2))
                    .ToDictionary(h => h[0], h => h[1], StringComparer.OrdinalIgnoreCase), stream);
                lock (Requests)
                    Requests.Add(request);
                await answer(request);
                await stream.FlushAsync();
                client.Client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // The client went away, as some tests want.
            }
        }
    }

    internal sealed record Request(string Method, string Path, Dictionary<string, string> Headers, Stream Stream)
    {
        /// <summary>First byte of a range; 0 without one.</summary>
        public int From => Headers.TryGetValue("Range", out var range) ? int.Parse(range["bytes=".Length..].TrimEnd('-')) : 0;

        public async Task HeadAsync(int status, params (string Name, string Value)[] headers) =>
            await Stream.WriteAsync(Encoding.ASCII.GetBytes(
                $"HTTP/1.1 {status} Some\r\nConnection: close\r\n{string.Concat(headers.Select(h => $"{h.Name}: {h.Value}\r\n"))}\r\n"));

        /// <summary>A well-behaved answer with ranges, of which only the first <paramref name="most"/> bytes are sent.</summary>
        public async Task FileAsync(byte[] file, int most = int.MaxValue, string tag = "\"v1\"", params (string Name, string Value)[] more)
        {
            var from = Headers.TryGetValue("If-Range", out var known) && known != tag ? 0 : From;
            var length = ("Content-Length", $"{file.Length - from}");
            await (from > 0
                ? HeadAsync(206, [length, ("ETag", tag), ("Content-Range", $"bytes {from}-{file.Length - 1}/{file.Length}"), .. more])
                : HeadAsync(200, [length, ("ETag", tag), .. more]));
            if (Method != "HEAD")
                await Stream.WriteAsync(file.AsMemory(from, Math.Min(most, file.Length - from)));
        }
    }
}
