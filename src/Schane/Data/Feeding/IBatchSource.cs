namespace Schane.Data.Feeding;

/// <summary>Where a training loop takes its batches from: step after step without end, each a pure function of the step.</summary>
internal interface IBatchSource : IDisposable
{
    /// <summary>Batches in an epoch.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>How long <see cref="Next"/> has waited for batches, all calls together.</summary>
    TimeSpan Waited { get; }

    /// <summary>The images that were skipped, each once, by index.</summary>
    IReadOnlyList<BadImage> BadImages { get; }

    /// <summary>The next batch. The caller disposes it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    Batch Next(CancellationToken cancel = default);

    /// <summary>Continues at the given step; batches made ahead are discarded and made again.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="sampler">What decides the batches from there on, with as many an epoch; null: what did.</param>
    void SeekTo(long step, ISampler? sampler = null);
}
