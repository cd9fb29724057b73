using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Schane.Losses.Tiled;

/// <summary>Sixteen floats at a time.</summary>
internal readonly unsafe struct Lanes16 : ILanes<Vector512<float>>
{
    public static int Count => Vector512<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Set(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* target) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp2(Vector512<float> x)
    {
        x = Vector512.MaxNative(x, Vector512.Create(Exp2Terms.Lowest));
        var shifted = x + Vector512.Create(Exp2Terms.Round);
        var f = x - (shifted - Vector512.Create(Exp2Terms.Round));
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(Exp2Terms.C6), f, Vector512.Create(Exp2Terms.C5));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(Exp2Terms.C4));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(Exp2Terms.C3));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(Exp2Terms.C2));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(Exp2Terms.C1));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1f));
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Equal(int* labels, int label) =>
        Vector512.ConditionalSelect(Vector512.Equals(Vector512.Load(labels), Vector512.Create(label)).AsSingle(),
            Vector512.Create(1f), Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WhereMost(Vector512<float> weight, Vector512<float> value) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(weight, Vector512.Create(0.5f)), value, Vector512.Create(-2f));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lower(uint* pairs) => (Vector512.Load(pairs) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Higher(uint* pairs) => (Vector512.Load(pairs) & Vector512.Create(0xFFFF0000)).AsSingle();

    // What is cut off is added to what is kept if it is more than half, or half and the kept part odd.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> value) =>
        ((value.AsUInt32() + Vector512.Create(0x7FFFu) + ((value.AsUInt32() >>> 16) & Vector512<uint>.One)) & Vector512.Create(0xFFFF0000))
            .AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(Vector512<float> rounded, ushort* target)
    {
        var words = rounded.AsUInt32() >>> 16;
        Vector512.Narrow(words, words).GetLower().Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePairs(Vector512<float> lower, Vector512<float> higher, uint* target) =>
        ((lower.AsUInt32() >>> 16) | higher.AsUInt32()).Store(target);

    public static float Sum(Vector512<float> value) => Vector512.Sum(value);

    public static float Largest(Vector512<float> value) => Lanes8.Largest(Vector256.MaxNative(value.GetLower(), value.GetUpper()));
}
