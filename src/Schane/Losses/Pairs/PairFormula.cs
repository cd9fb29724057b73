namespace Schane.Losses.Pairs;

// Rows i = 1..N are unit embeddings z(i); s(i,j) = z(i)·z(j)/τ; p(i,j) is the weight of j as a positive of i (1 for the same label, 0 for
// another, ⟨y(i), y(j)⟩ for mixtures, 0 for j = i) and n(i,j) = 1 − p(i,j) its weight as a negative (0 for j = i); |P| = Σ p, |Nn| = Σ n.

/// <summary>The one formula of the family: SupCon, SimCLR, HCL and SCHaNe are settings of it.</summary>
/// <remarks>
/// <code>
/// positives    A(i) = Σ p(i,j) exp s(i,j)
/// weights      w(i,k) = |Nn(i)| exp(β s(i,k)) / Σ n(i,k') exp(β s(i,k'))
/// negatives    W(i) = Σ n(i,k) w(i,k) exp s(i,k)
/// debiased     W'(i) = max( (W(i) − τ⁺ |Nn(i)| A(i)/|P(i)|) / (1 − τ⁺), |Nn(i)| exp(−1/τ) )          (W itself when τ⁺ = 0)
/// denominator  D(i) = A(i) + W'(i)
/// outside      loss(i) = log D(i) − Σ p(i,j) s(i,j) / |P(i)|
/// inside       loss(i) = log D(i) − log( A(i) / |P(i)| )
/// mean         Σ min(1, |P(i)|) loss(i) / Σ min(1, |P(i)|)                                         (NaN when every |P(i)| is 0)
/// </code>
/// HCL (joshr17/HCL) knows one positive; for several, their mean takes its place in the debiasing, as in Chuang et al. 2020
/// (arXiv:2007.00224).
/// </remarks>
/// <param name="Temperature">τ &gt; 0.</param>
/// <param name="Beta">β ≥ 0; 0 weighs all negatives alike.</param>
/// <param name="Placement">Outside or inside.</param>
/// <param name="DetachWeights">Whether w is a constant for the gradient.</param>
/// <param name="TauPlus">τ⁺, 0 ≤ τ⁺ &lt; 1: the share of negatives thought to be of the anchor's class.</param>
internal sealed record PairFormula(
    double Temperature, double Beta = 0, Placement Placement = Placement.Outside, bool DetachWeights = false, double TauPlus = 0)
{
    /// <summary>All others count alike in the denominator, so one sum over them does.</summary>
    public bool Plain => Beta == 0 && TauPlus == 0;
}
