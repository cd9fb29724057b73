using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Schane.Reporting;

/// <summary>The fixed texts of a page, embedded in this assembly: its style, its script, and the plotting library.</summary>
internal static class PageParts
{
    private static readonly Lazy<string> plotly = new(() => Read("plotly.min.js.gz"));

    /// <summary>plotly.js 2.28.0 (MIT), 3.6 MB, taken from the Plotly.NET package at build time.</summary>
    public static string Plotly => plotly.Value;

    public static string Script { get; } = Read("report.js");

    public static string Style { get; } = Read("report.css");

    /// <summary>What the page of label errors has beside <see cref="Style"/>.</summary>
    public static string LabelStyle { get; } = Read("labels.css");

    public static string LabelScript { get; } = Read("labels.js");

    /// <summary>The hash by which a Content-Security-Policy allows a text to run.</summary>
    public static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    private static string Read(string name)
    {
        var stream = typeof(PageParts).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly lacks its resource '{name}'.");
        using var reader = new StreamReader(name.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(stream, CompressionMode.Decompress) : stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
