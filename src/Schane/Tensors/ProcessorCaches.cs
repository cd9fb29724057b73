using System.Runtime.Intrinsics.X86;

namespace Schane.Tensors;

/// <summary>Whether the processor tells programs of its caches. Some virtual machines keep it from their guests.</summary>
internal static class ProcessorCaches
{
    private const int Authentic = 0x68747541, AmdHierarchy = unchecked((int)0x8000001D), IntelHierarchy = 4, TypeOfCache = 31;
    private static readonly int[] DataCaches = [0, 2, 3];                     // of AMD's leaf; 1 is the first level's instruction cache
    private static readonly bool IsAmd = X86Base.IsSupported && X86Base.CpuId(0, 0).Ebx == Authentic;

    /// <summary>
    /// Whether the leaf of CPUID that describes the caches of such a processor leaves out a data cache (AMD) or is empty (others).
    /// False on other architectures.
    /// </summary>
    public static bool AreHidden { get; } =
        X86Base.IsSupported && (IsAmd ? DataCaches.Any(cache => IsEmpty(AmdHierarchy, cache)) : IsEmpty(IntelHierarchy, 0));

    /// <summary>Whether programs that take AMD's three data caches for granted compute caches of one byte. Tests set it.</summary>
    public static bool Mislead { get; internal set; } = IsAmd && AreHidden;

    private static bool IsEmpty(int leaf, int cache) => (X86Base.CpuId(leaf, cache).Eax & TypeOfCache) == 0;
}
