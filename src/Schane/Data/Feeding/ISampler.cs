namespace Schane.Data.Feeding;

/// <summary>Decides which images form each batch. A pure function of its seed and the epoch, so any step can be sought.</summary>
public interface ISampler
{
    /// <summary>Batches in each epoch; the same for all epochs.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>The batches of one epoch (0, 1, …) as indices into the data set.</summary>
    IReadOnlyList<int[]> Batches(int epoch);
}
