namespace Schane.Verification;

/// <summary>This machine does not compute a model as float64 says, beyond what rounding explains: what it gives can't be trusted.</summary>
internal sealed class WrongArithmeticException : SchaneException
{
    public WrongArithmeticException(ProofFault fault, ProofResult found, string machine, string wayOut)
        : base($"{machine} computes the model wrong: {fault.Layer}, {fault.What}, {Off(fault)} " +
            $"({found.Precision.ToString().ToLowerInvariant()}, " +
            $"{(found.Images == 1 ? "one image alone" : $"{found.Images} images at once")}). {wayOut} `schane doctor` shows which " +
            "operators are wrong; docs/troubleshooting.md says what to do.") =>
        (Layer, Error, Allowed) = (fault.Layer, fault.Error, fault.Allowed);

    /// <summary>The first layer that is off.</summary>
    public string Layer { get; }

    /// <summary>Largest difference as a share of the largest value.</summary>
    public double Error { get; }

    /// <summary>What rounding explains of it.</summary>
    public double Allowed { get; }

    private static string Off(ProofFault fault) => !double.IsFinite(fault.Error) ? "is not a finite number"
        : $"is off by {ProofResult.Shown(fault.Error)} of its largest value, of which rounding explains {ProofResult.Shown(fault.Allowed)}";
}
