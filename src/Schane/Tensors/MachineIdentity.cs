using System.Collections;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace Schane.Tensors;

/// <summary>What decides which native code computes here, and so whether what was found right once still holds: library, processor, and the
/// variables that the library is told by. Takes about a millisecond.</summary>
internal static class MachineIdentity
{
    private const int Identity = 1, Features = 7, Names = unchecked((int)0x80000002), NoCore = 0xFFFF;
    private const int Head = 1 << 16;
    private static readonly string[] Told = ["ONEDNN_", "DNNL_", "MKL_", "ATEN_", "OPENBLAS_"];

    /// <summary>libtorch's file: its length and a hash of its head, which holds the identifier of its build.</summary>
    public static string Library { get; } = NativeTorch.Find("torch_cpu") is { } file ? File(file)
        : typeof(TorchSharp.torch).Module.ModuleVersionId.ToString();

    /// <summary>Schane's own build.</summary>
    public static string Build { get; } = typeof(MachineIdentity).Module.ModuleVersionId.ToString();

    /// <summary>The processor: what CPUID says of it, caches hidden or not; its name where there is no CPUID.</summary>
    public static string Processor { get; } = X86Base.IsSupported ? OfCpuId()
        : $"{Machine.Examine().Processor} {RuntimeInformation.ProcessArchitecture}";

    /// <summary>Variables of the environment that choose between kernels.</summary>
    public static string Settings { get; } = string.Join(' ', Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Select(v => $"{v.Key}={v.Value}").Where(v => Told.Any(start => v.StartsWith(start, StringComparison.Ordinal)))
        .Order(StringComparer.Ordinal));

    /// <summary>Length, time of the last change and a hash of the two ends of a file: where all are the same, it is taken for
    /// the same.</summary>
    public static string File(string path)
    {
        using var file = System.IO.File.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var ends = new byte[Head];
        hash.AppendData(ends, 0, file.ReadAtLeast(ends, ends.Length, throwOnEndOfStream: false));
        file.Position = Math.Max(0, file.Length - ends.Length);
        hash.AppendData(ends, 0, file.ReadAtLeast(ends, ends.Length, throwOnEndOfStream: false));
        return $"{file.Length} {System.IO.File.GetLastWriteTimeUtc(path).Ticks} {Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }

    private static string OfCpuId()
    {
        var one = X86Base.CpuId(Identity, 0);
        // The number of the core that answers is no property of the processor.
        (int, int, int, int)[] leaves = [X86Base.CpuId(0, 0), one with { Ebx = one.Ebx & NoCore },
            X86Base.CpuId(Features, 0), X86Base.CpuId(Features, 1), .. Enumerable.Range(0, 3).Select(i => X86Base.CpuId(Names + i, 0))];
        return $"{string.Join(' ', leaves)} caches {(ProcessorCaches.AreHidden ? "hidden" : "told")}";
    }
}
