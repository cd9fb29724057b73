using System.Runtime.CompilerServices;
using Schane.Tensors;

namespace Schane.Losses;

/// <summary>The range of each number of an objective, once: losses, <see cref="JointOptions"/> and recipes check by these.</summary>
internal static class LossRanges
{
    /// <summary>τ, above 0.</summary>
    public static double Temperature(double value, [CallerMemberName] string name = "") => Require.Positive(value, name);

    /// <summary>β, 0 to 1000: beyond, the hardest negative has all the weight already.</summary>
    public static double Beta(double value, [CallerMemberName] string name = "") => Require.InRange(value, 0, 1000, name);

    /// <summary>τ⁺, 0 to 0.99: the estimate divides by 1 − τ⁺.</summary>
    public static double TauPlus(double value, [CallerMemberName] string name = "") => Require.InRange(value, 0, 0.99, name);

    /// <summary>A margin between distances, above 0.</summary>
    public static double Margin(double value, [CallerMemberName] string name = "") => Require.Positive(value, name);

    /// <summary>λ, 0 to 1.</summary>
    public static double Lambda(double value, [CallerMemberName] string name = "") => Require.InRange(value, 0, 1, name);

    /// <summary>γ of the focal loss, 0 to 20.</summary>
    public static double Gamma(double value, [CallerMemberName] string name = "") => Require.InRange(value, 0, 20, name);

    /// <summary>Label smoothing, 0 to 1, as torch takes it; at 1 the labels say nothing.</summary>
    public static double LabelSmoothing(double value, [CallerMemberName] string name = "") => Require.InRange(value, 0, 1, name);
}
