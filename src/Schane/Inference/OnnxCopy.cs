using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.OnnxRuntime;
using Schane.Checkpoints;
using Schane.Data.Transforms;
using Schane.Export;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Inference;

/// <summary>
/// A copy of a model as ONNX in the cache folder, which ONNX Runtime computes on the processor, mostly faster than libtorch and without the
/// time that loading libtorch takes. It is made at the first load of a file, compared with what libtorch gives, timed beside it, and found
/// again for the same file, builds, processor and number of threads.
/// </summary>
internal static class OnnxCopy
{
    /// <summary>Largest difference from libtorch allowed, as a share of the largest value.</summary>
    private const double Tolerance = 1e-4;

    private const double Clearly = 0.9;

    private const int FewRows = 4;                                        // fewer are passes of single images
    private const double LongPass = 0.3;                                  // seconds
    private const long MostBytes = 4L << 30;                              // of all copies
    private const string Name = "model.onnx", About = "copy.json";
    private static readonly TimeSpan Unfinished = TimeSpan.FromHours(1);

    /// <summary>The copy that was made before; null where there is none, or libtorch is faster.</summary>
    /// <param name="path">The run's file.</param>
    /// <param name="cache">The cache folder.</param>
    public static IModelPass? Find(string path, string cache)
    {
        try
        {
            var folder = FolderOf(path, cache);
            if (Noted(folder) is not { TorchFrom: not 1 } note || note.Sha256 != Hash(folder))
                return null;
            Touch(Path.Combine(folder, About));
            return new CopiedPass(Open(folder), note.TorchFrom, () => new(RunModel.Load(path, "cpu"), CPU));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SchaneException or OnnxRuntimeException)
        {
            return null;                                                  // another program has cleared the cache, for instance
        }
    }

    /// <summary>Makes the copy. Null where it would gain nothing, where the architecture has no graph, where ONNX Runtime isn't there, or
    /// where the cache can't be written.</summary>
    /// <param name="model">The model of the file on the processor, proven; the pass takes it over where there is one.</param>
    /// <param name="path">The run's file.</param>
    /// <param name="cache">The cache folder.</param>
    /// <param name="clearly">Libtorch takes over where it needs no more than this share of the time.</param>
    public static IModelPass? Make(RunModel model, string path, string cache, double clearly = Clearly)
    {
        var folder = FolderOf(path, cache);
        var temporary = $"{folder}.{Guid.NewGuid():N}.tmp";
        try
        {
            if (model.Classifier.Adapters is not null || Noted(folder) is { TorchFrom: 1 })
                return null;                                              // adapters are half a model, whose other half has another file
            Directory.CreateDirectory(temporary);
            OnnxExport.Write(model.Classifier, Path.Combine(temporary, Name), RunModel.TextsOf(path), new());
            var note = new Note(Path.GetFullPath(path), Hash(temporary), TorchFrom(model, temporary, clearly));
            if (note.TorchFrom == 1)
                Clear(temporary);
            CacheNotes.Write(Path.Combine(temporary, About), note);
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);                // damaged, or made meanwhile by another process
            Directory.Move(temporary, folder);
            Trim(Path.GetDirectoryName(folder)!, folder);
            if (note.TorchFrom == 1)
                return null;
            var copy = Open(folder);
            if (note.TorchFrom is not null)
                return new CopiedPass(copy, note.TorchFrom, () => new(model, CPU), isLoaded: true);
            model.Dispose();                                              // one of the two is enough
            return new CopiedPass(copy, null, () => new(RunModel.Load(path, "cpu"), CPU));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SchaneException or OnnxRuntimeException)
        {
            return null;
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }

    private static int? TorchFrom(RunModel model, string folder, double clearly)
    {
        using var scope = NewDisposeScope();
        var images = ProofImages.Of(null, TransformPreset.Find(model.Augmentation), model.Input).Images;
        var (rows, pixels) = ((int)images.shape[0], Copy.Floats(images));
        using var copy = Open(folder);
        var trained = new TorchPass(model, CPU);
        Look At(int count)
        {
            var some = pixels[..(pixels.Length / rows * count)];
            var parity = ParityCertificate.Of(trained.Run(some, count), copy.Run(some, count), count, "look-alikes", Tolerance, "");
            return new(Time(() => trained.Run(some, count)), Time(() => copy.Run(some, count)),
                parity.LogitDifference <= Tolerance * parity.LargestLogit && parity.EmbeddingDifference <= Tolerance);
        }
        return TorchFrom(At(1), At(rows), clearly);
    }

    /// <summary>Rows of a pass from which on libtorch computes it: 1 where it always does, since it is faster or the copy is wrong; null
    /// where it never does.</summary>
    internal static int? TorchFrom(Look one, Look many, double clearly = Clearly)
    {
        var forMany = many.Torch < clearly * many.Copy;
        return !one.Agrees || !many.Agrees || (forMany && one.Torch < clearly * one.Copy) ? 1 : forMany ? FewRows : null;
    }

    /// <summary>What passes of one size took, in seconds, and whether both gave the same.</summary>
    internal readonly record struct Look(double Torch, double Copy, bool Agrees);

    /// <summary>The least time of a pass, in seconds.</summary>
    private static double Time(Action pass)
    {
        var (best, all) = (double.PositiveInfinity, Stopwatch.StartNew());
        for (var i = 0; i == 0 || (i < 8 && all.Elapsed.TotalSeconds < LongPass); i++)
        {
            var watch = Stopwatch.StartNew();
            pass();
            best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }
        return best;
    }

    /// <summary>Takes copies away: of files that are gone, those that nobody finished, and, until what is left is not too much, those that
    /// were not used for longest.</summary>
    private static void Trim(string copies, string kept)
    {
        var all = Bytes(kept);
        foreach (var folder in Directory.GetDirectories(copies).Except([kept])
            .OrderByDescending(folder => File.GetLastWriteTimeUtc(Path.Combine(folder, About))))
        {
            var isWanted = Noted(folder) is { } note ? File.Exists(note.Source)
                : Directory.GetCreationTimeUtc(folder) > DateTime.UtcNow - Unfinished;
            if (!isWanted || (all += Bytes(folder)) > MostBytes)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static long Bytes(string folder) => Files(folder).Sum(file => new FileInfo(file).Length);

    /// <summary>Says when a copy was used last.</summary>
    private static void Touch(string file)
    {
        try
        {
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a cache that may only be read
        }
    }

    private static void Clear(string folder)
    {
        foreach (var file in Files(folder))
            File.Delete(file);
    }

    private static OnnxPass Open(string folder)
    {
        var file = Path.Combine(folder, Name);
        return new(OnnxModel.Open(file), file);
    }

    private static Note? Noted(string folder) => CacheNotes.Read<Note>(Path.Combine(folder, About));

    /// <summary>What the copy's files hold.</summary>
    private static string Hash(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Files(folder))
            using (var stream = File.OpenRead(file))
                hash.AppendData(SHA256.HashData(stream));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, $"{Name}*").Order(StringComparer.Ordinal);

    private static string FolderOf(string path, string cache)
    {
        string[] of = [MachineIdentity.File(path), MachineIdentity.Build, MachineIdentity.Library, MachineIdentity.Processor,
            MachineIdentity.Settings, $"{ComputeThreads.For().Count} threads"];
        return Path.Combine(cache, "copies",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', of))).AsSpan(0, 16)));
    }

    /// <param name="Source">The run's file.</param>
    /// <param name="Sha256">Of the copy's files.</param>
    /// <param name="TorchFrom">Rows from which on libtorch is faster; null for none.</param>
    private sealed record Note(string Source, string Sha256, int? TorchFrom);
}

/// <summary>A run's model by its copy on ONNX Runtime, and by libtorch where that is faster, and for gradients.</summary>
internal sealed class CopiedPass : IModelPass
{
    private readonly OnnxPass copy;
    private readonly int torchFrom;
    private readonly Lazy<TorchPass> torch;

    /// <param name="copy">The copy.</param>
    /// <param name="torchFrom">Rows of a pass from which on libtorch computes it; null for none.</param>
    /// <param name="load">Loads the model when it is first asked for.</param>
    /// <param name="isLoaded">Whether it is loaded already.</param>
    public CopiedPass(OnnxPass copy, int? torchFrom, Func<TorchPass> load, bool isLoaded = false)
    {
        (this.copy, this.torchFrom) = (copy, torchFrom ?? int.MaxValue);
        torch = isLoaded ? new(load()) : new(load);
    }

    public ModelCard Card => copy.Card;

    public (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows) =>
        rows >= torchFrom ? torch.Value.Run(pixels, rows) : copy.Run(pixels, rows);

    public ActivationMaps? Activations(float[] pixels, IReadOnlyList<int> classes, Prototypes? prototypes) =>
        torch.Value.Activations(pixels, classes, prototypes);

    public void Dispose()
    {
        copy.Dispose();
        if (torch.IsValueCreated)
            torch.Value.Dispose();
    }
}
