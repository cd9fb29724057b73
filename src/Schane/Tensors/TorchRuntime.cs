using System.Diagnostics;
using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>The native torch that this process computes with, or why there is none.</summary>
/// <param name="Version">Version of libtorch, null where it doesn't load.</param>
/// <param name="Path">File libtorch was loaded from, null where it doesn't load.</param>
/// <param name="Cured">
/// Whether the system's libstdc++ is older than GCC 13, so that the library was loaded from a copy in memory that does without the newer symbol version.
/// </param>
/// <param name="Threads">Threads of one operation; 0 where it doesn't load.</param>
/// <param name="Gpus">CUDA devices that this build can use.</param>
/// <param name="Error">What the loader says, null where all is well.</param>
public sealed record TorchRuntime(string? Version, string? Path, bool Cured, int Threads, int Gpus, string? Error)
{
    /// <summary>Loads torch, if it isn't yet, and looks at it.</summary>
    public static TorchRuntime Examine()
    {
        try
        {
            var threads = get_num_threads();
            return new(__version__, LoadedFrom(), NativeTorch.Cured, threads, cuda.is_available() ? cuda.device_count() : 0, null);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or NotSupportedException)
        {
            return new(null, NativeTorch.Find("torch_cpu"), NativeTorch.Cured, 0, 0, (e.InnerException ?? e).Message.Split('\n')[0]);
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
