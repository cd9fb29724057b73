namespace Schane.Verification;

/// <summary>How far from float64 this machine computes an operator.</summary>
/// <param name="Operator">What is computed, with its shape.</param>
/// <param name="Precision">Number type of the factors: <c>float32</c> or <c>bf16</c>.</param>
/// <param name="Forward">Largest difference as a share of the largest exact value; infinite where a value that should be finite is
/// not.</param>
/// <param name="Gradient">The same of the gradients by the input and by every parameter; null where there is none.</param>
/// <param name="Allowed">What rounding explains.</param>
internal sealed record OperatorError(string Operator, string Precision, double Forward, double? Gradient, double Allowed)
{
    /// <summary>Whether the machine computes it right.</summary>
    public bool IsRight => Forward <= Allowed && (Gradient ?? 0) <= Allowed;
}
