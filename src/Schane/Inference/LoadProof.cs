using System.Security.Cryptography;
using System.Text;
using Schane.Checkpoints;
using Schane.Data.Transforms;
using Schane.Tensors;
using Schane.Verification;
using static TorchSharp.torch;

namespace Schane.Inference;

/// <summary>
/// Whether this machine computes a loaded model as float64 on the CPU says: found out once for a file of weights, a build of Schane and of
/// libtorch, a processor, a device and a number of threads, and remembered in the cache folder.
/// </summary>
internal static class LoadProof
{
    private static int unwritable;

    /// <summary>Looks the proof up, or makes it, on look-alikes.</summary>
    /// <param name="model">In evaluation mode on its device; left as it is.</param>
    /// <param name="path">The file it is from.</param>
    /// <param name="device">That device, as the user names it.</param>
    /// <param name="cache">The cache folder.</param>
    /// <returns>What the user should know; null for nothing.</returns>
    /// <exception cref="WrongArithmeticException">The machine does not; remembered by nobody.</exception>
    public static string? Require(RunModel model, string path, string device, string cache)
    {
        string[] of = [MachineIdentity.File(path), MachineIdentity.Build, MachineIdentity.Library, MachineIdentity.Processor,
            MachineIdentity.Settings, device, $"{get_num_threads()} threads"];
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', of))).AsSpan(0, 16));
        var note = Path.Combine(cache, "proofs", $"{name}.json");
        if (Remembered(note))
            return null;
        using var scope = NewDisposeScope();
        var pictures = ProofImages.Of(null, TransformPreset.Find(model.Augmentation), model.Input);
        var found = ModelProof.OfInference(model.Classifier, pictures.Images);
        if (found.Fault is { } fault)
            throw new WrongArithmeticException(fault, found, "This machine",
                "Its answers could not be trusted; --no-proof gives them all the same.");
        try
        {
            CacheNotes.Write(note, new Proven(found.Error, found.Where));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Interlocked.Exchange(ref unwritable, 1) == 1 ? null : "That this machine computes the model right can't be " +
                $"remembered, so it is proven at every start: '{Printable.Escape(cache)}' can't be written " +
                $"({e.Message.TrimEnd('.')}); name another folder in SCHANE_CACHE.";
        }
    }

    private static bool Remembered(string note)
    {
        try
        {
            return CacheNotes.Read<Proven>(note) is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>What is remembered, for those who look into the folder.</summary>
    private sealed record Proven(double Error, string Where);
}
