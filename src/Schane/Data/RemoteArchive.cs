namespace Schane.Data;

/// <summary>A file that a data set is officially published as.</summary>
/// <param name="Address">Where it is to be had.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Its hash, lower-case hexadecimal.</param>
/// <param name="Unpacked">Whether it is an archive (.tar, .tar.gz, .tgz, .zip) that is unpacked; false for a file
/// that is read as it is.</param>
internal sealed record RemoteArchive(Uri Address, long Bytes, string Sha256, bool Unpacked = true)
{
    /// <summary>Its file name.</summary>
    public string Name => Path.GetFileName(Address.AbsolutePath);
}
