using Schane.Tensors;

namespace Schane.Tests.Support;

/// <summary>Makes oneDNN believe what it believes on an AMD virtual machine that hides its caches: three levels of one byte each.</summary>
internal static unsafe class HiddenCaches
{
    private const int Levels = 27;                                        // of the 32-bit words of oneDNN's description of the processor
    private static readonly int[] SizesAndSharing = [7, 8, 9, 17, 18, 19];

    /// <summary>Whether the fault can be planted here: it needs the known build of libtorch, and shows with AVX-512 alone.</summary>
    public static bool CanBePlanted => System.Runtime.Intrinsics.X86.Avx512F.IsSupported && OneDnn.Description() != null;

    /// <summary>Plants the fault, before the first convolution of the process.</summary>
    /// <param name="cure">What Schane is let to do about it.</param>
    public static void Plant(CacheCure cure)
    {
        var description = OneDnn.Description();
        description[Levels] = 3;
        foreach (var word in SizesAndSharing)
            description[word] = 1;
        ProcessorCaches.Mislead = cure == CacheCure.Mended;
        OneDnn.FailsConvolutions |= cure == CacheCure.Products;
    }
}

/// <summary>What keeps convolutions right where the caches are hidden.</summary>
internal enum CacheCure
{
    /// <summary>The caches are not hidden.</summary>
    Visible,

    /// <summary>oneDNN guesses the caches' sizes, as in the known build of libtorch.</summary>
    Mended,

    /// <summary>They are taken as products, as in any other build of libtorch.</summary>
    Products,

    /// <summary>Nothing does.</summary>
    None,
}
