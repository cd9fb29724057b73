using System.Globalization;
using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>Where to compute, by name.</summary>
internal static class Devices
{
    /// <summary>The device of a name, after making sure that this machine and this build have it.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c> (the first) or <c>cuda:N</c>.</param>
    /// <exception cref="SchaneException">No such name, or no such device here.</exception>
    public static Device Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == "cpu")
            return CPU;
        var index = name == "cuda" ? 0 : name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : -1;
        if (index < 0)
            throw new SchaneException($"The device must be cpu, cuda or cuda:N but is '{name}'.");
        var there = cuda.is_available() ? cuda.device_count() : 0;
        if (index >= there)
            throw new SchaneException(there == 0
                ? $"Device '{name}' can't be used: this build sees no GPU. Use --device cpu, or build with -p:Torch=cuda on a machine " +
                    "with an NVIDIA driver; `schane doctor` shows what there is."
                : $"Device '{name}' is not there: this machine has {there}, numbered from cuda:0.");
        return device($"cuda:{index}");
    }
}
