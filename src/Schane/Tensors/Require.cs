using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>Checks at the boundary of the public API; each error names the argument, the rule and the value.</summary>
internal static class Require
{
    public static double Positive(double value, [CallerMemberName] string name = "") =>
        value > 0 && double.IsFinite(value)
            ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be a finite number above 0 but is {value}.");

    public static double InRange(double value, double low, double high, [CallerMemberName] string name = "") =>
        value >= low && value <= high
            ? value : throw new ArgumentOutOfRangeException(name, $"{name} must lie between {low} and {high} but is {value}.");

    public static int AtLeast(int value, int low, [CallerMemberName] string name = "") =>
        value >= low ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be at least {low} but is {value}.");

    /// <param name="tensor">Any tensor.</param>
    /// <param name="shape">Expected sizes; -1 stands for any size.</param>
    /// <param name="name">The argument's name, filled in by the compiler.</param>
    public static void Shape(Tensor tensor, ReadOnlySpan<long> shape, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        var actual = tensor.shape;
        var same = actual.Length == shape.Length;
        for (var d = 0; same && d < shape.Length; d++)
            same = shape[d] == -1 || shape[d] == actual[d];
        if (!same)
            throw new ArgumentException(
                $"{name} must have shape [{string.Join(", ", shape.ToArray().Select(s => s == -1 ? "any" : $"{s}"))}] but has " +
                $"[{string.Join(", ", actual)}].", name);
    }
}
