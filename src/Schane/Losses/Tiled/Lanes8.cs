using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Schane.Losses.Tiled;

/// <summary>Eight floats at a time.</summary>
internal readonly unsafe struct Lanes8 : ILanes<Vector256<float>>
{
    public static int Count => Vector256<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Set(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp2(Vector256<float> x)
    {
        x = Vector256.MaxNative(x, Vector256.Create(Exp2Terms.Lowest));
        var shifted = x + Vector256.Create(Exp2Terms.Round);
        var f = x - (shifted - Vector256.Create(Exp2Terms.Round));
        var p = Vector256.FusedMultiplyAdd(Vector256.Create(Exp2Terms.C6), f, Vector256.Create(Exp2Terms.C5));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(Exp2Terms.C4));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(Exp2Terms.C3));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(Exp2Terms.C2));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(Exp2Terms.C1));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(1f));
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Equal(int* labels, int label) =>
        Vector256.ConditionalSelect(Vector256.Equals(Vector256.Load(labels), Vector256.Create(label)).AsSingle(),
            Vector256.Create(1f), Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WhereMost(Vector256<float> weight, Vector256<float> value) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(weight, Vector256.Create(0.5f)), value, Vector256.Create(-2f));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Lower(uint* pairs) => (Vector256.Load(pairs) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Higher(uint* pairs) => (Vector256.Load(pairs) & Vector256.Create(0xFFFF0000)).AsSingle();

    // What is cut off is added to what is kept if it is more than half, or half and the kept part odd.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> value) =>
        ((value.AsUInt32() + Vector256.Create(0x7FFFu) + ((value.AsUInt32() >>> 16) & Vector256<uint>.One)) & Vector256.Create(0xFFFF0000))
            .AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(Vector256<float> rounded, ushort* target)
    {
        var words = rounded.AsUInt32() >>> 16;
        Vector256.Narrow(words, words).GetLower().Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePairs(Vector256<float> lower, Vector256<float> higher, uint* target) =>
        ((lower.AsUInt32() >>> 16) | higher.AsUInt32()).Store(target);

    public static float Sum(Vector256<float> value) => Vector256.Sum(value);

    public static float Largest(Vector256<float> value)
    {
        var four = Vector128.MaxNative(value.GetLower(), value.GetUpper());
        return Math.Max(Math.Max(four[0], four[1]), Math.Max(four[2], four[3]));
    }
}
