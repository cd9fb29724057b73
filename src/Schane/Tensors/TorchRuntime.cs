using System.Diagnostics;
using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>The native torch that this process computes with, or why there is none.</summary>
/// <param name="Version">Version of libtorch, null where it doesn't load.</param>
/// <param name="Path">File libtorch was loaded from, null where it doesn't load.</param>
/// <param name="Cured">
/// Whether the system's libstdc++ is older than GCC 13, so that the library was loaded from a copy in memory that does
/// without the newer symbol version.
/// </param>
/// <param name="Threads">Threads that a training, evaluation or export of this process takes unless told otherwise.</param>
/// <param name="Gpus">CUDA devices that this build can use.</param>
/// <param name="Error">What the loader says, null where all is well.</param>
internal sealed record TorchRuntime(string? Version, string? Path, bool Cured, int Threads, int Gpus, string? Error)
{
    /// <summary>Why there are so many <see cref="Threads"/>, for people: <c>2 processors</c>.</summary>
    public required string ThreadsWhy { get; init; }

    /// <summary>How threads wait for each other and who decided it, for people.</summary>
    public required string Waiting { get; init; }

    /// <summary>Loads torch, if it isn't yet, and looks at it.</summary>
    public static TorchRuntime Examine()
    {
        var threads = ComputeThreads.For();
        try
        {
            get_num_threads();
            return new(__version__, LoadedFrom(), NativeTorch.Cured, threads.Count, cuda.is_available() ? cuda.device_count() : 0, null)
            { ThreadsWhy = threads.Why, Waiting = OpenMp.Waiting };
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or NotSupportedException)
        {
            return new(null, NativeTorch.Find("torch_cpu"), NativeTorch.Cured, threads.Count, 0,
                (e.InnerException ?? e).Message.Split('\n')[0])
            { ThreadsWhy = threads.Why, Waiting = OpenMp.Waiting };
        }
    }

    private static string? LoadedFrom()
    {
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
            if (module.ModuleName.Contains("torch_cpu", StringComparison.Ordinal))
                return module.FileName;
        return null;
    }
}
