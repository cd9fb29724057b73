using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>Whether all ranks hold the same weights, bit for bit: what a checkpoint of the first one stands for.</summary>
internal static class WeightHash
{
    /// <summary>Compares a SHA-256 of the tensors over ranks.</summary>
    /// <exception cref="RankLostException">A rank holds others than rank 0; it is named with its host.</exception>
    public static void MustAgree(ICollective ranks, long step, IEnumerable<Tensor> tensors)
    {
        var hashes = ranks.GatherTexts(TensorHash.Of(tensors));
        for (var rank = 1; rank < hashes.Count; rank++)
            if (hashes[rank] != hashes[0])
                throw new RankLostException($"After step {step} the weights of rank {rank} on {ranks.Hosts[rank]} differ from those of " +
                    $"rank 0 on {ranks.Hosts[0]}, so the job ends: "
                    + "look for failing memory or another version of a library there; `schane train --resume` goes on from the last " +
                    "checkpoint.");
    }
}
