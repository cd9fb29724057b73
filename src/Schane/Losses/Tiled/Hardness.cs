using System.Runtime.CompilerServices;

namespace Schane.Losses.Tiled;

/// <summary>exp(β s) from e = exp s (both scaled), compiled apart for the values of β that need no second exponential.</summary>
internal interface IHardness
{
    static abstract bool Uniform { get; }
    static abstract T Of<L, T>(T e, T power, T beta) where L : struct, ILanes<T> where T : struct;
}

/// <summary>β = 0: all alike.</summary>
internal readonly struct NoHardness : IHardness
{
    public static bool Uniform => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Of<L, T>(T e, T power, T beta) where L : struct, ILanes<T> where T : struct => L.Set(1);
}

/// <summary>β = 1.</summary>
internal readonly struct UnitHardness : IHardness
{
    public static bool Uniform => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Of<L, T>(T e, T power, T beta) where L : struct, ILanes<T> where T : struct => e;
}

/// <summary>Any β.</summary>
internal readonly struct AnyHardness : IHardness
{
    public static bool Uniform => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Of<L, T>(T e, T power, T beta) where L : struct, ILanes<T> where T : struct => L.Exp2(L.Multiply(power, beta));
}
