using System.Globalization;
using Schane.Models;

namespace Schane.Verification;

/// <summary>The first place of a pass that is not computed as float64 says.</summary>
/// <param name="Layer">Name of the layer.</param>
/// <param name="What">What of it, for people.</param>
/// <param name="Error">Largest difference as a share of the largest value.</param>
/// <param name="Allowed">What rounding explains.</param>
internal sealed record ProofFault(string Layer, string What, double Error, double Allowed);

/// <summary>What a proof found.</summary>
/// <param name="Error">Largest error of any layer, forward or backward, as a share of the largest value.</param>
/// <param name="Where">Where that is.</param>
/// <param name="Precision">Number type of the products.</param>
/// <param name="Images">Images that passed together.</param>
/// <param name="Fault">Null where all is as it should be.</param>
internal sealed record ProofResult(double Error, string Where, Precision Precision, int Images, ProofFault? Fault)
{
    /// <summary>Together with a later pass.</summary>
    public ProofResult And(ProofResult later) => Fault is not null ? this
        : later.Fault is not null ? later
        : (later.Error > Error ? later : this) with { Precision = Precision, Images = Math.Max(Images, later.Images) };

    /// <summary>What people are told of a largest error.</summary>
    public static string Sentence(double error) => $"computed as float64 says, to {Shown(error)}";

    /// <summary>A number for people: 6e-6.</summary>
    public static string Shown(double error) => error.ToString("0e-0", CultureInfo.InvariantCulture);
}
