using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Schane.Tensors;

/// <summary>The computer a run works on. Examining it touches no torch.</summary>
/// <param name="OperatingSystem">Name and version, for instance <c>Debian GNU/Linux 12 (bookworm)</c>.</param>
/// <param name="Architecture"><c>x64</c>, <c>arm64</c>, …</param>
/// <param name="Runtime">Version of .NET.</param>
/// <param name="Processor">Model name, <c>unknown</c> where the system doesn't tell.</param>
/// <param name="Cores">Logical processors this process may use.</param>
/// <param name="Features">Vector instructions that matter to the computation: <c>avx2</c>, <c>fma</c>, <c>avx512f</c>,
/// <c>avx512_bf16</c>, <c>amx_bf16</c>, ….</param>
/// <param name="MemoryTotal">Bytes of memory.</param>
/// <param name="MemoryFree">Bytes that can be had without swapping.</param>
/// <param name="MemoryLimit">Bytes this process may use at most where a container or control group says so, else null.</param>
/// <param name="GraphicsDriver">Version of NVIDIA's driver, null where there is none.</param>
/// <param name="Mpi">File name of the MPI library that loads, null where there is none.</param>
internal sealed record Machine(
    string OperatingSystem, string Architecture, string Runtime, string Processor, int Cores, IReadOnlyList<string> Features,
    long MemoryTotal, long MemoryFree, long? MemoryLimit, string? GraphicsDriver, string? Mpi)
{
    /// <summary>Processors' worth of time this process may take where a container or control group says so, for
    /// instance 1.5; else null.</summary>
    public double? ProcessorLimit { get; init; }

    /// <summary>Whether the processor does not tell of its caches, as on some virtual machines, where libraries that plan
    /// for them plan badly.</summary>
    public bool CachesHidden { get; init; }

    private static readonly string[] Wanted = ["avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
        "amx_bf16", "amx_int8", "asimd", "bf16", "sve"];

    /// <summary>Whether a processor with these <see cref="Features"/> multiplies bfloat16.</summary>
    internal static bool HasBf16(IReadOnlyList<string> features) => features.Intersect(["avx512_bf16", "amx_bf16", "bf16"]).Any();

    /// <summary>Whether this machine's does.</summary>
    internal static bool ThisHasBf16 { get; } = HasBf16(FeaturesOf(Pairs("/proc/cpuinfo")));

    /// <summary>Looks at this machine.</summary>
    public static Machine Examine()
    {
        var processor = Pairs("/proc/cpuinfo");
        var memory = Pairs("/proc/meminfo");
        var group = new ControlGroup();
        var usable = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var total = Kilobytes(memory, "MemTotal") ?? usable;
        return new(
            Pairs("/etc/os-release", '=').GetValueOrDefault("PRETTY_NAME")?.Trim('"') ?? RuntimeInformation.OSDescription,
            RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
            RuntimeInformation.FrameworkDescription,
            processor.GetValueOrDefault("model name") ?? "unknown",
            Environment.ProcessorCount,
            FeaturesOf(processor),
            total,
            Kilobytes(memory, "MemAvailable") ?? usable,
            group.Memory() is { } limit && limit < total ? limit : null,
            Pairs("/proc/driver/nvidia/version").GetValueOrDefault("NVRM version"),
            FirstThatLoads(MpiNames))
        { ProcessorLimit = group.Processors(), CachesHidden = ProcessorCaches.AreHidden };
    }

    private static IEnumerable<string> MpiNames =>
        System.OperatingSystem.IsWindows() ? ["msmpi.dll"]
        : System.OperatingSystem.IsMacOS() ? ["libmpi.dylib", "libmpi.40.dylib", "libmpi.12.dylib"]
        : ["libmpi.so.40", "libmpi.so.12", "libmpi.so"];

    private static IReadOnlyList<string> FeaturesOf(Dictionary<string, string> processor)
    {
        if ((processor.GetValueOrDefault("flags") ?? processor.GetValueOrDefault("Features")) is { } flags)
            return [.. Wanted.Intersect(flags.Split(' '))];
        return [.. new (string Name, bool Has)[] { ("avx2", Avx2.IsSupported), ("fma", Fma.IsSupported), ("avx512f", Avx512F.IsSupported) }
            .Where(f => f.Has).Select(f => f.Name)];
    }

    private static string? FirstThatLoads(IEnumerable<string> names)
    {
        foreach (var name in names)
            if (NativeLibrary.TryLoad(name, out var handle))
            {
                NativeLibrary.Free(handle);
                return name;
            }
        return null;
    }

    // "name : value" lines; the first of a name counts. Nothing where the system has no such file.
    private static Dictionary<string, string> Pairs(string file, char separator = ':')
    {
        var pairs = new Dictionary<string, string>();
        if (File.Exists(file))
            foreach (var line in File.ReadLines(file))
                if (line.IndexOf(separator) is > 0 and var at)
                    pairs.TryAdd(line[..at].Trim(), line[(at + 1)..].Trim());
        return pairs;
    }

    private static long? Kilobytes(Dictionary<string, string> memory, string name) =>
        memory.TryGetValue(name, out var value) && long.TryParse(value.Split(' ')[0], out var kilobytes) ? kilobytes * 1024 : null;
}
