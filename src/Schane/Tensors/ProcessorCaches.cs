using System.Runtime.Intrinsics.X86;

namespace Schane.Tensors;

/// <summary>Whether the processor tells programs of its caches.</summary>
internal static class ProcessorCaches
{
    private const int Authentic = 0x68747541, AmdHierarchy = unchecked((int)0x8000001D), IntelHierarchy = 4, TypeOfCache = 31;

    /// <summary>
    /// Whether the leaf of CPUID that describes the caches of such a processor is empty, as on some virtual machines. oneDNN 3.7 takes
    /// caches of one byte for granted there and
    /// plans wrong 1×1 convolutions (AMD). False on other architectures.
    /// </summary>
    public static bool AreHidden { get; } =
        X86Base.IsSupported && IsEmpty(X86Base.CpuId(0, 0).Ebx == Authentic ? AmdHierarchy : IntelHierarchy);

    private static bool IsEmpty(int leaf) => (X86Base.CpuId(leaf, 0).Eax & TypeOfCache) == 0;
}
