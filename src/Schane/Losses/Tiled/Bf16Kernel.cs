using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Schane.Losses.Tiled;

/// <summary>Products of bfloat16 matrices, added up in float32, and the rounding before them: by libtorch where it can, else in C#
/// for each vector width.</summary>
internal readonly unsafe struct Bf16Kernel
{
    /// <summary>
    /// C (+)= A·B: rows, columns, depth (multiples of 32), A(i, k) at a + i·aRow + k; B in pairs along the depth, B(2k, j) and B(2k+1, j)
    /// at b + k·bRow + j; C(i, j) at c + i·cRow + j; whether to add.
    /// </summary>
    public readonly delegate*<int, int, int, ushort*, int, uint*, int, float*, int, byte, void> Multiply;

    /// <summary>Rounds so many numbers, a multiple of 32; and, unless null, what that left over.</summary>
    public readonly delegate*<float*, int, ushort*, ushort*, void> Split;

    /// <summary>Rounds a tile of rows × columns (multiples of 32) in lines of so many, as it is and in pairs of rows.</summary>
    public readonly delegate*<float*, int, int, int, ushort*, uint*, void> Pack;
    private readonly bool native;

    private Bf16Kernel(delegate*<int, int, int, ushort*, int, uint*, int, float*, int, byte, void> multiply,
        delegate*<float*, int, ushort*, ushort*, void> split, delegate*<float*, int, int, int, ushort*, uint*, void> pack, bool native)
    {
        this.native = native;
        Multiply = native ? &Brgemm.Multiply : multiply;
        Split = split;
        Pack = pack;
    }

    public static Bf16Kernel For(int lanes, bool native) => lanes switch
    {
        16 => new(&Multiplied<Lanes16, Vector512<float>>, &Parts<Lanes16, Vector512<float>>, &Packed<Lanes16, Vector512<float>>, native),
        8 => new(&Multiplied<Lanes8, Vector256<float>>, &Parts<Lanes8, Vector256<float>>, &Packed<Lanes8, Vector256<float>>, native),
        _ => new(&Multiplied<Lanes1, float>, &Parts<Lanes1, float>, &Packed<Lanes1, float>, native),
    };

    /// <summary>A thread is done with its products for now.</summary>
    public void Leave()
    {
        if (native)
            Brgemm.Release();
    }

    // 4 rows × 2 vectors at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiplied<L, T>(int rows, int columns, int depth, ushort* a, int aRow, uint* b, int bRow, float* c, int cRow,
        byte add) where L : struct, ILanes<T> where T : struct
    {
        for (var j = 0; j < columns; j += 2 * L.Count)
        {
            for (var i = 0; i < rows; i += 4)
            {
                var to = c + (nint)i * cRow + j;
                var a0 = (uint*)(a + (nint)i * aRow);
                var a1 = a0 + aRow / 2;
                var a2 = a1 + aRow / 2;
                var a3 = a2 + aRow / 2;
                var (c00, c01, c10, c11) = (L.Set(0), L.Set(0), L.Set(0), L.Set(0));
                var (c20, c21, c30, c31) = (L.Set(0), L.Set(0), L.Set(0), L.Set(0));
                for (var k = 0; k < depth / 2; k++)
                {
                    var pairs = b + (nint)k * bRow + j;
                    var (l0, h0, l1, h1) = (L.Lower(pairs), L.Higher(pairs), L.Lower(pairs + L.Count), L.Higher(pairs + L.Count));
                    var (lower, higher) = Both<L, T>(a0[k]);
                    (c00, c01) = (L.MultiplyAdd(higher, h0, L.MultiplyAdd(lower, l0, c00)),
                        L.MultiplyAdd(higher, h1, L.MultiplyAdd(lower, l1, c01)));
                    (lower, higher) = Both<L, T>(a1[k]);
                    (c10, c11) = (L.MultiplyAdd(higher, h0, L.MultiplyAdd(lower, l0, c10)),
                        L.MultiplyAdd(higher, h1, L.MultiplyAdd(lower, l1, c11)));
                    (lower, higher) = Both<L, T>(a2[k]);
                    (c20, c21) = (L.MultiplyAdd(higher, h0, L.MultiplyAdd(lower, l0, c20)),
                        L.MultiplyAdd(higher, h1, L.MultiplyAdd(lower, l1, c21)));
                    (lower, higher) = Both<L, T>(a3[k]);
                    (c30, c31) = (L.MultiplyAdd(higher, h0, L.MultiplyAdd(lower, l0, c30)),
                        L.MultiplyAdd(higher, h1, L.MultiplyAdd(lower, l1, c31)));
                }
                Put<L, T>(c00, c01, to, add);
                Put<L, T>(c10, c11, to + cRow, add);
                Put<L, T>(c20, c21, to + 2 * (nint)cRow, add);
                Put<L, T>(c30, c31, to + 3 * (nint)cRow, add);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) Both<L, T>(uint pair) where L : struct, ILanes<T> where T : struct =>
        (L.Set(BitConverter.UInt32BitsToSingle(pair << 16)), L.Set(BitConverter.UInt32BitsToSingle(pair & 0xFFFF0000)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<L, T>(T first, T second, float* to, byte add) where L : struct, ILanes<T> where T : struct
    {
        L.Store(add != 0 ? L.Add(L.Load(to), first) : first, to);
        L.Store(add != 0 ? L.Add(L.Load(to + L.Count), second) : second, to + L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Parts<L, T>(float* from, int count, ushort* to, ushort* rest) where L : struct, ILanes<T> where T : struct
    {
        for (var d = 0; d < count; d += L.Count)
        {
            var value = L.Load(from + d);
            var rounded = L.Round(value);
            L.StoreHalves(rounded, to + d);
            if (rest != null)
                L.StoreHalves(L.Round(L.Subtract(value, rounded)), rest + d);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Packed<L, T>(float* tile, int rows, int columns, int line, ushort* straight, uint* pairs)
    where L : struct, ILanes<T> where T : struct
    {
        for (var r = 0; r < rows; r += 2, tile += 2 * line, straight += 2 * line, pairs += line)
        {
            for (var c = 0; c < columns; c += L.Count)
            {
                var (lower, higher) = (L.Round(L.Load(tile + c)), L.Round(L.Load(tile + line + c)));
                L.StoreHalves(lower, straight + c);
                L.StoreHalves(higher, straight + line + c);
                L.StorePairs(lower, higher, pairs + c);
            }
        }
    }
}
