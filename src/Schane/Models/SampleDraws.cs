namespace Schane.Models;

/// <summary>
/// Which samples a training pass holds. Drop path draws from (seed, step, sample, layer) alone, so neither micro-batches nor ranks nor a
/// second run of a micro-batch change what is dropped.
/// </summary>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Step">Step of the run, from 0.</param>
/// <param name="Samples">Global index of each row of the micro-batch within the step.</param>
internal sealed record SampleDraws(long Seed, long Step, IReadOnlyList<long> Samples)
{
    /// <summary>Those of a pass that belongs to no run.</summary>
    public static SampleDraws Of(int rows) => new(0, 0, [.. Enumerable.Range(0, rows).Select(row => (long)row)]);
}
