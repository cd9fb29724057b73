using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Schane.Data.Feeding;

/// <summary>An image that could not be read.</summary>
/// <param name="Index">Its index in the data set.</param>
/// <param name="Name">Its name.</param>
/// <param name="Reason">The sentence of the error.</param>
internal sealed record BadImage(int Index, string Name, string Reason);

/// <summary>
/// Batches made ahead of time by worker threads: which images, in which order and with which augmentation is a pure function of
/// the sampler, the seed and the step, so neither the number of workers nor a seek changes a value. One thread takes batches;
/// any number of threads make them.
/// </summary>
internal sealed class BatchLoader : IBatchSource
{
    private readonly BatchMaker maker;
    private readonly LoaderOptions options;
    private readonly long end;
    private readonly Thread[] workers;
    private readonly object gate = new();
    private readonly Dictionary<long, (Batch? Batch, ExceptionDispatchInfo? Error)> ready = [];
    private readonly Dictionary<int, IReadOnlyList<int[]>> epochs = [];
    private ISampler sampler;
    private long nextToMake, nextToGive, generation;
    private bool closed;
    private TimeSpan waited;

    /// <summary>Starts the workers at step 0.</summary>
    /// <exception cref="ArgumentException">Rank is not below Ranks.</exception>
    public BatchLoader(IImageDataset dataset, ISampler sampler, IImageTransform transform, LoaderOptions options)
        : this(dataset, sampler, transform, options, long.MaxValue) { }

    private BatchLoader(IImageDataset dataset, ISampler sampler, IImageTransform transform, LoaderOptions options, long end)
    {
        if (options.Rank >= options.Ranks)
            throw new ArgumentException($"Rank must be below Ranks {options.Ranks} but is {options.Rank}.", nameof(options));
        (this.sampler, this.options, this.end) = (sampler, options, end);
        maker = new(dataset, transform, options);
        workers = [.. Enumerable.Range(0, options.Workers)
            .Select(i => new Thread(Work) { IsBackground = true, Name = $"schane loader {i}" })];
        foreach (var worker in workers)
            worker.Start();
    }

    /// <summary>Batches in an epoch.</summary>
    public int BatchesPerEpoch => sampler.BatchesPerEpoch;

    /// <summary>How long <see cref="Next"/> has waited for workers, all calls together.</summary>
    public TimeSpan Waited => waited;

    /// <summary>The images that were skipped, each once, in the order in which they were met. Empty unless bad
    /// images are to be skipped.</summary>
    public IReadOnlyList<BadImage> BadImages => [.. maker.Skipped];

    /// <summary>The next batch, in order of steps without end. The caller disposes it.</summary>
    /// <exception cref="SchaneException">An image of the batch can't be read and such images are not to be skipped, or none of the
    /// batch can be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    public Batch Next(CancellationToken cancel = default)
    {
        var start = Stopwatch.GetTimestamp();
        using var wake = cancel.Register(() => { lock (gate) Monitor.PulseAll(gate); });
        (Batch? Batch, ExceptionDispatchInfo? Error) taken;
        lock (gate)
        {
            while (!ready.Remove(nextToGive, out taken))
            {
                cancel.ThrowIfCancellationRequested();
                ObjectDisposedException.ThrowIf(closed, this);
                if (nextToGive >= end)
                    throw new InvalidOperationException("The pass is over.");
                Monitor.Wait(gate);
            }
            nextToGive++;
            waited += Stopwatch.GetElapsedTime(start);
            Monitor.PulseAll(gate);
        }
        taken.Error?.Throw();
        return taken.Batch!;
    }

    /// <inheritdoc/>
    public void SeekTo(long step, ISampler? sampler = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        lock (gate)
        {
            Drop();
            epochs.Clear();
            this.sampler = sampler ?? this.sampler;
            (nextToMake, nextToGive) = (step, step);
            generation++;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>One pass over a data set in its own order, made ahead like any batch; each batch is disposed when
    /// the next is asked for.</summary>
    /// <param name="dataset">The images.</param>
    /// <param name="transform">Usually an evaluation transform; with an augmenting one and several views, test-time augmentation.</param>
    /// <param name="batchSize">Images in a batch; the last is as small as it comes.</param>
    /// <param name="options">Settings; <see cref="LoaderOptions.Seed"/> and epoch 0 key the random numbers.</param>
    /// <param name="share">Only these images, by their places in the data set; null for all.</param>
    /// <param name="cancel">Stops the pass.</param>
    public static IEnumerable<Batch> Pass(
        IImageDataset dataset, IImageTransform transform, int batchSize, LoaderOptions? options = null, RankShare? share = null,
        CancellationToken cancel = default)
    {
        var (from, to) = share ?? new(0, dataset.Count);
        var sampler = new SequentialSampler(to - from, batchSize, from);
        using var loader = new BatchLoader(dataset, sampler, transform, options ?? new(), sampler.BatchesPerEpoch);
        for (var step = 0; step < sampler.BatchesPerEpoch; step++)
        {
            using var batch = loader.Next(cancel);
            yield return batch;
        }
    }

    /// <summary>Stops the workers and frees what they made.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
        foreach (var worker in workers)
            worker.Join();
        Drop();
    }

    private void Drop()
    {
        foreach (var (batch, _) in ready.Values)
            batch?.Dispose();
        ready.Clear();
    }

    private void Work()
    {
        while (true)
        {
            long step, mine;
            int epoch;
            int[] indices = [];
            ExceptionDispatchInfo? error = null;
            lock (gate)
            {
                while (!closed && (nextToMake >= nextToGive + options.Prefetch || nextToMake >= end))
                    Monitor.Wait(gate);
                if (closed)
                    return;
                (step, mine) = (nextToMake++, generation);
                epoch = (int)(step / sampler.BatchesPerEpoch);
                try
                {
                    indices = BatchesOf(epoch)[(int)(step % sampler.BatchesPerEpoch)];
                }
                catch (Exception e)
                {
                    error = ExceptionDispatchInfo.Capture(e);
                }
            }
            Batch? batch = null;
            try
            {
                if (error is null)
                    batch = maker.Make(step, epoch, indices);
            }
            catch (Exception e)
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
            lock (gate)
            {
                if (mine != generation || closed)
                    batch?.Dispose();
                else
                    ready[step] = (batch, error);
                Monitor.PulseAll(gate);
            }
        }
    }

    private IReadOnlyList<int[]> BatchesOf(int epoch)
    {
        if (!epochs.TryGetValue(epoch, out var batches))
        {
            foreach (var old in epochs.Keys.Where(e => e != epoch - 1).ToList())
                epochs.Remove(old);
            epochs[epoch] = batches = sampler.Batches(epoch);
        }
        return batches;
    }
}
