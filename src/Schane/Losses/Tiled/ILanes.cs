namespace Schane.Losses.Tiled;

/// <summary>The few operations of the element-wise passes, so that they are written once and compiled for each vector width.</summary>
internal unsafe interface ILanes<T> where T : struct
{
    static abstract int Count { get; }
    static abstract T Set(float value);
    static abstract T Load(float* source);
    static abstract void Store(T value, float* target);
    static abstract T Add(T a, T b);
    static abstract T Subtract(T a, T b);
    static abstract T Multiply(T a, T b);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);
    static abstract T Max(T a, T b);

    /// <summary>2^x to 2e-8 of its value for −126 ≤ x ≤ 126; smaller x count as −126.</summary>
    static abstract T Exp2(T x);

    /// <summary>1 where the label equals, else 0.</summary>
    static abstract T Equal(int* labels, int label);

    /// <summary>value where weight is above one half, else −2.</summary>
    static abstract T WhereMost(T weight, T value);

    /// <summary>The lower and the higher of pairs of bfloat16.</summary>
    static abstract T Lower(uint* pairs);
    static abstract T Higher(uint* pairs);

    /// <summary>Rounds to what bfloat16 holds, ties to even.</summary>
    static abstract T Round(T value);

    /// <summary>Stores rounded values, and pairs of them.</summary>
    static abstract void StoreHalves(T rounded, ushort* target);
    static abstract void StorePairs(T lower, T higher, uint* target);
    static abstract float Sum(T value);
    static abstract float Largest(T value);
}

/// <summary>2^x = 2^n · 2^f: n by adding 1.5·2^23, 2^f on |f| ≤ ½ by a minimax polynomial (relative error 1.6e-8), n added to
/// the exponent's bits.</summary>
internal static class Exp2Terms
{
    public const float Round = 12582912f;
    public const float Lowest = -126;
    public const float C1 = 0.6931471824645996f, C2 = 0.24022646248340607f, C3 = 0.05550328642129898f, C4 = 0.009618489071726799f,
        C5 = 0.0013399930903688073f, C6 = 0.0001534581242594868f;
}
