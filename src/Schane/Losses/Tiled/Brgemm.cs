using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Schane.Losses.Tiled;

/// <summary>libtorch's batch-reduce products of bfloat16 (oneDNN): <c>at::native::cpublas::brgemm</c>, which the library
/// exports under its C++ name.</summary>
/// <remarks>Another build of libtorch may name it otherwise; then, and on processors without such instructions, it isn't
/// <see cref="Available"/>.</remarks>
internal static unsafe class Brgemm
{
    private const string Product = "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb",
        Done = "_ZN2at6native7cpublas14brgemm_releaseEb";

    private static readonly delegate* unmanaged<long, long, long, long, long, long, byte, ushort*, uint*, float*, byte, void> multiply;
    private static readonly delegate* unmanaged<byte, void> release;

    static Brgemm()
    {
        if (!HasInstructions || !NativeLibrary.TryLoad("torch_cpu", typeof(TorchSharp.torch).Assembly, null, out var library))
            return;
        if (NativeLibrary.TryGetExport(library, Product, out var product) && NativeLibrary.TryGetExport(library, Done, out var done))
        {
            multiply = (delegate* unmanaged<long, long, long, long, long, long, byte, ushort*, uint*, float*, byte, void>)product;
            release = (delegate* unmanaged<byte, void>)done;
        }
    }

    /// <summary>Whether products are there and fast.</summary>
    public static bool Available => multiply != null;

    // AVX512_BF16 is bit 5 of EAX of leaf 7, subleaf 1. A limit set on oneDNN's instructions would make the product throw through us.
    private static bool HasInstructions => Avx512F.IsSupported && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0
        && Environment.GetEnvironmentVariable("ONEDNN_MAX_CPU_ISA") is null
        && Environment.GetEnvironmentVariable("DNNL_MAX_CPU_ISA") is null;

    /// <summary>As <see cref="Bf16Kernel.Multiply"/>.</summary>
    public static void Multiply(int rows, int columns, int depth, ushort* a, int aRow, uint* b, int bRow, float* c, int cRow, byte add) =>
        multiply(rows, columns, depth, aRow, bRow, cRow, add, a, b, c, 1);

    /// <summary>Gives back the thread's tile registers, on processors that have them.</summary>
    public static void Release() => release(1);
}
