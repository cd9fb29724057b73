namespace Schane.Losses.Tiled;

/// <summary>One float at a time, for machines without vectors.</summary>
internal readonly unsafe struct Lanes1 : ILanes<float>
{
    public static int Count => 1;
    public static float Set(float value) => value;
    public static float Load(float* source) => *source;
    public static void Store(float value, float* target) => *target = value;
    public static float Add(float a, float b) => a + b;
    public static float Subtract(float a, float b) => a - b;
    public static float Multiply(float a, float b) => a * b;
    public static float MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);
    public static float Max(float a, float b) => a > b ? a : b;
    public static float Equal(int* labels, int label) => *labels == label ? 1 : 0;
    public static float WhereMost(float weight, float value) => weight > 0.5f ? value : -2;
    public static float Lower(uint* pairs) => BitConverter.UInt32BitsToSingle(*pairs << 16);
    public static float Higher(uint* pairs) => BitConverter.UInt32BitsToSingle(*pairs & 0xFFFF0000);
    public static void StoreHalves(float rounded, ushort* target) => *target = (ushort)(BitConverter.SingleToUInt32Bits(rounded) >>> 16);
    public static void StorePairs(float lower, float higher, uint* target) =>
        *target = (BitConverter.SingleToUInt32Bits(lower) >>> 16) | BitConverter.SingleToUInt32Bits(higher);
    public static float Sum(float value) => value;
    public static float Largest(float value) => value;

    public static float Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >>> 16) & 1)) & 0xFFFF0000);
    }

    public static float Exp2(float x)
    {
        x = Max(x, Exp2Terms.Lowest);
        var shifted = x + Exp2Terms.Round;
        var f = x - (shifted - Exp2Terms.Round);
        var p = MathF.FusedMultiplyAdd(Exp2Terms.C6, f, Exp2Terms.C5);
        p = MathF.FusedMultiplyAdd(p, f, Exp2Terms.C4);
        p = MathF.FusedMultiplyAdd(p, f, Exp2Terms.C3);
        p = MathF.FusedMultiplyAdd(p, f, Exp2Terms.C2);
        p = MathF.FusedMultiplyAdd(p, f, Exp2Terms.C1);
        p = MathF.FusedMultiplyAdd(p, f, 1);
        return BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(p) + (BitConverter.SingleToInt32Bits(shifted) << 23));
    }
}
