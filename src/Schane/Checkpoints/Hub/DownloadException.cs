namespace Schane.Checkpoints.Hub;

/// <summary>The network failed: no answer, an answer cut short again and again, or a server that is overloaded.
/// Trying later may help.</summary>
internal sealed class DownloadException : IOException
{
    /// <summary>An error with its sentence.</summary>
    public DownloadException(string message) : base(message) { }

    /// <summary>An error with its sentence and what caused it.</summary>
    public DownloadException(string message, Exception? inner) : base(message, inner) { }
}
