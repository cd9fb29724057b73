using static TorchSharp.torch;

namespace Schane.Losses.Pairs;

/// <summary><see cref="PairGraph"/> for some anchors at a time, back-propagated before the next: any device and precision, memory
/// O(N·chunk).</summary>
internal static class ChunkedGraph
{
    // Elements of one [chunk, N] tensor; about ten of them live at a time.
    private const long Elements = 1 << 24;

    /// <param name="embeddings">[N, D], any scale, no graph needed.</param>
    /// <param name="problem">Pairs and anchors.</param>
    /// <param name="formula">What to compute.</param>
    /// <param name="share">What the gradient is multiplied by.</param>
    /// <param name="chunk">Anchors at a time; null chooses by memory.</param>
    public static PairResult Compute(Tensor embeddings, PairProblem problem, PairFormula formula, double share, long? chunk = null)
    {
        using var scope = NewDisposeScope();
        using var graph = enable_grad();
        using var pairs = problem.Weights();
        var leaf = embeddings.detach().requires_grad_();
        var units = PairLoss.Units(leaf);
        var cut = units.detach().requires_grad_();                                               // chunks end here
        var rows = new PairGraphStatistics(problem.First, problem.Count, formula);
        var size = chunk ?? Math.Max(64, Elements / pairs.Rows);
        var loss = 0.0;
        for (long at = 0; at < problem.Count; at += size)
        {
            using var inner = NewDisposeScope();
            var part = PairGraph.Share(cut, pairs, formula, problem.First + at, Math.Min(size, problem.Count - at), rows.Add);
            loss += part.to_type(ScalarType.Float64).item<double>();
            (part * share).backward();
        }
        if (problem.Count == 0)
            return new(pairs.TotalWeight == 0 ? double.NaN : 0, zeros_like(embeddings).MoveToOuterDisposeScope(), rows.Result);
        units.backward([cut.grad!]);
        return new(loss, leaf.grad!.MoveToOuterDisposeScope(), rows.Result);
    }
}
