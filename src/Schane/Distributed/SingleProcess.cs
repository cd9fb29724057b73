using Schane.Losses;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>One rank: every collective has all it needs already. Loads nothing.</summary>
internal sealed class SingleProcess : ICollective
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public IReadOnlyList<string> Hosts { get; } = [Environment.MachineName];

    /// <inheritdoc/>
    public string Engine => "one process";

    /// <inheritdoc/>
    public void Sum(Tensor values) => CollectiveInput.Summable(values);

    /// <inheritdoc/>
    public (Tensor Rows, OwnRows Own) Gather(Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return (rows.alias(), new(0, rows.shape[0]));
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor values) => CollectiveInput.Contiguous(values);

    /// <inheritdoc/>
    public void Barrier() { }

    /// <inheritdoc/>
    public IDisposable Busy() => this;

    /// <inheritdoc/>
    public void Leave() { }

    /// <inheritdoc/>
    public void Abort(int exitCode) { }

    /// <inheritdoc/>
    public void Dispose() { }
}
