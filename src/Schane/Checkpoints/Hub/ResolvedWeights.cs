namespace Schane.Checkpoints.Hub;

/// <summary>Weights that are on this machine now, with what a run records of them.</summary>
/// <param name="Reference">What was asked for, without secrets.</param>
/// <param name="Path">The file to open with <see cref="CheckpointFile.Open(string)"/>: for a sharded model its index.</param>
/// <param name="Revision">Commit of the hub; null elsewhere.</param>
/// <param name="Files">Every file with its size and SHA-256, the one of <paramref name="Path"/> first.</param>
internal sealed record ResolvedWeights(string Reference, string Path, string? Revision, IReadOnlyList<WeightsFile> Files)
{
    /// <summary>SHA-256 of <see cref="Path"/>, lower-case hexadecimal.</summary>
    public string Sha256 => Files[0].Sha256;

    /// <summary>The reference to these very weights: of a hub with commit and file, of an address with the hash, without secrets.</summary>
    public required string Pinned { get; init; }
}

/// <summary>One file of weights.</summary>
/// <param name="Name">File name.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Sha256">Lower-case hexadecimal.</param>
internal sealed record WeightsFile(string Name, long Bytes, string Sha256);

/// <summary>How far a download is.</summary>
/// <param name="File">File name.</param>
/// <param name="Done">Bytes there.</param>
/// <param name="Total">Bytes in all; null where the server does not say.</param>
internal sealed record DownloadProgress(string File, long Done, long? Total);
