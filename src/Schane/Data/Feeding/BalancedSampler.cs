using Schane.Tensors;

namespace Schane.Data.Feeding;

// P classes in a batch, K images of each.

/// <summary>
/// Batches of P classes × K images each, so that every anchor of a batch has K − 1 positives (P×K sampling, Hermans et al. 2017).
/// </summary>
/// <remarks>
/// <para>Each epoch shuffles every class and deals it out in groups of K; a last group that is not full is filled up with other
/// images of its class. A batch is P groups of different classes, drawn at random by how many groups each class still has, so that
/// all are dealt by the end: every image is seen, and twice only to fill up. Slots that are left over at the end go to classes that
/// have been dealt already.</para>
/// <para>A class can be in a batch only once, so one with more than <see cref="BatchesPerEpoch"/> groups shows another random part of its
/// images each epoch; <see cref="ImagesLeftOut"/> counts the rest.</para>
/// <para>A class with fewer than K images repeats them within its group: another augmentation of an image is then its positive. For a
/// class with one image that is the only positive there is; <see cref="ClassesWithOneImage"/> counts them. Several views, or leaving such
/// classes out, are the ways out.</para>
/// </remarks>
public sealed class BalancedSampler : ISampler
{
    private readonly int[][] images;                                      // per class that has any
    private readonly int[] label;                                         // of each of these
    private readonly long seed;

    /// <summary>A sampler over the images of all classes that have any.</summary>
    /// <param name="labels">Label of each image.</param>
    /// <param name="classesPerBatch">P; with fewer classes than that, all of them.</param>
    /// <param name="imagesPerClass">K, at least 2: with 1 there is no positive.</param>
    /// <param name="seed">Same seed, same batches.</param>
    /// <exception cref="ArgumentException">No images, or a number out of range.</exception>
    public BalancedSampler(IReadOnlyList<int> labels, int classesPerBatch, int imagesPerClass, long seed)
    {
        if (labels.Count == 0)
            throw new ArgumentException("labels must name at least one image but is empty.", nameof(labels));
        var byClass = labels.Select((label, index) => (label, index)).GroupBy(p => p.label, p => p.index).OrderBy(g => g.Key).ToList();
        (label, images) = ([.. byClass.Select(g => g.Key)], [.. byClass.Select(g => g.ToArray())]);
        ClassesPerBatch = Math.Min(Require.AtLeast(classesPerBatch, 1, nameof(classesPerBatch)), images.Length);
        ImagesPerClass = Require.AtLeast(imagesPerClass, 2, nameof(imagesPerClass));
        this.seed = seed;
        BatchesPerEpoch = (images.Sum(c => GroupsIn(c)) + ClassesPerBatch - 1) / ClassesPerBatch;
    }

    /// <summary>P: different classes in a batch.</summary>
    public int ClassesPerBatch { get; }

    /// <summary>K: images of a class in a batch.</summary>
    public int ImagesPerClass { get; }

    /// <summary>What an epoch confused: classes of one batch are then those that were taken for each other most, hard negatives by
    /// construction. Null, as at first: classes meet at random.</summary>
    internal ClassConfusion? Confusion { get; private set; }

    /// <summary>The same sampler by what an epoch confused.</summary>
    internal BalancedSampler By(ClassConfusion? confusion)
    {
        var other = (BalancedSampler)MemberwiseClone();
        other.Confusion = confusion;
        return other;
    }

    /// <summary>Images that an epoch leaves out, different ones each time; 0 unless one class has far more images than the rest.</summary>
    public int ImagesLeftOut => images.Sum(c => Math.Max(0, c.Length - BatchesPerEpoch * ImagesPerClass));

    /// <summary>Classes whose only image is its own positive, K times in a batch.</summary>
    public int ClassesWithOneImage => images.Count(c => c.Length == 1);

    /// <inheritdoc/>
    public int BatchesPerEpoch { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Batches(int epoch)
    {
        var random = new SampleRandom(seed, epoch);
        var dealt = new Queue<int[]>[images.Length];
        for (var c = 0; c < images.Length; c++)
            dealt[c] = Deal(images[c], ref random);

        var batches = new List<int[]>(BatchesPerEpoch);
        var (order, keys) = (new int[images.Length], new double[images.Length]);
        for (var left = BatchesPerEpoch; left > 0; left--)
        {
            for (var c = 0; c < images.Length; c++)
                (order[c], keys[c]) = (c, Key(dealt[c].Count, left, ref random));
            Array.Sort(keys, order);
            if (Confusion is not null)
                PutRivalsTogether(order, keys, Confusion);
            var batch = new List<int>(ClassesPerBatch * ImagesPerClass);
            foreach (var c in order.AsSpan(0, ClassesPerBatch))
            {
                if (dealt[c].Count == 0)
                    dealt[c].Enqueue(Deal(images[c], ref random).Peek());
                batch.AddRange(dealt[c].Dequeue());
            }
            batches.Add([.. batch]);
        }
        return batches;
    }

    // above any key of a class that has groups left: −ln of the least draw is 37
    private const double Dealt = 1000;

    // Smallest first: a class that must be in every batch from here on, then a draw without replacement weighted by the groups that are
    // left (Efraimidis and Spirakis 2006), then classes that have none left.
    private static double Key(int groups, int batchesLeft, ref SampleRandom random)
    {
        var draw = 1 - random.NextDouble();                               // (0, 1]
        return groups >= batchesLeft ? -draw : groups > 0 ? -Math.Log(draw) / groups : Dealt + draw;
    }

    /// <summary>
    /// Keeps the classes that must be in the batch, or the first drawn where there are none, and puts beside them those that
    /// were confused with them most. As long as no class that must be in is passed over, all are dealt by the end of the
    /// epoch, whichever others are taken.
    /// </summary>
    private void PutRivalsTogether(int[] order, double[] keys, ClassConfusion confusion)
    {
        var settled = Math.Max(1, Array.FindIndex(keys, k => k >= 0) is var free and >= 0 ? free : keys.Length);
        var rivalry = new long[order.Length];                             // of the class at each place with those that are settled
        for (var s = 0; s < ClassesPerBatch; s++)
        {
            if (s >= settled)
            {
                var best = s;
                // Classes with nothing left to deal come last, and stay there.
                for (var i = s + 1; i < order.Length && keys[i] < Dealt; i++)
                    if (rivalry[i] > rivalry[best])
                        best = i;
                // The others keep their order, which is random.
                var (one, key, score) = (order[best], keys[best], rivalry[best]);
                Array.Copy(order, s, order, s + 1, best - s);
                Array.Copy(keys, s, keys, s + 1, best - s);
                Array.Copy(rivalry, s, rivalry, s + 1, best - s);
                (order[s], keys[s], rivalry[s]) = (one, key, score);
            }
            for (var i = s + 1; i < order.Length; i++)
                rivalry[i] += confusion.Between(label[order[s]], label[order[i]]);
        }
    }

    private int GroupsIn(int[] own) => (own.Length + ImagesPerClass - 1) / ImagesPerClass;

    private Queue<int[]> Deal(int[] own, ref SampleRandom random)
    {
        var order = (int[])own.Clone();
        random.Shuffle<int>(order);
        var groups = new Queue<int[]>();
        for (var g = 0; g < GroupsIn(own) && g < BatchesPerEpoch; g++)
            // Past the end it goes on at the beginning: images of other groups, or the same again in a small class.
            groups.Enqueue([.. Enumerable.Range(g * ImagesPerClass, ImagesPerClass).Select(i => order[i % order.Length])]);
        return groups;
    }
}
