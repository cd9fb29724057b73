using System.Threading.Channels;
using Schane.Inference;

namespace Schane.Server;

/// <summary>Gathers images of several requests into one pass of the model: a pass begins when it is full or its first image
/// has waited long enough.</summary>
internal sealed class MicroBatcher : IAsyncDisposable
{
    private readonly Classifier classifier;
    private readonly ServeMetrics metrics;
    private readonly int most;
    private readonly TimeSpan delay;
    private readonly Channel<Item> queue;
    private readonly Task worker;

    public MicroBatcher(Classifier classifier, ServeOptions options, ServeMetrics metrics)
    {
        (this.classifier, this.metrics, most, delay) = (classifier, metrics, options.Batch, options.Delay);
        queue = Channel.CreateBounded<Item>(new BoundedChannelOptions(options.Queue) { SingleReader = true });
        metrics.Watch(() => queue.Reader.Count);
        worker = Task.Run(Work);
    }

    /// <summary>The answer to an image with its embedding; null where the queue is full.</summary>
    /// <param name="image">The image.</param>
    /// <param name="top">Classes wanted.</param>
    /// <param name="why">Whether to show where the most probable class was seen.</param>
    public Task<Prediction>? TryPredict(PreparedImage image, int top, bool why)
    {
        var item = new Item(image, top, why, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return queue.Writer.TryWrite(item) ? item.Answer.Task : null;
    }

    /// <summary>Answers what was accepted, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await worker.ConfigureAwait(false);
    }

    private async Task Work()
    {
        var batch = new List<Item>(most);
        while (await queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            using var deadline = new CancellationTokenSource(delay);
            try
            {
                while (batch.Count < most)
                    if (queue.Reader.TryRead(out var item))
                        batch.Add(item);
                    else if (delay == TimeSpan.Zero || !await queue.Reader.WaitToReadAsync(deadline.Token).ConfigureAwait(false))
                        break;
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
            }
            if (batch.Count > 0)
                Answer(batch);
        }
    }

    private void Answer(List<Item> batch)
    {
        metrics.Passed(batch.Count);
        try
        {
            var answers = classifier.Predict([.. batch.Select(item => item.Image)],
                new() { Top = batch.Max(item => item.Top), Embedding = true });
            foreach (var (item, answer) in batch.Zip(answers).Where(both => !both.First.Why))
                Give(item, answer);
            var asked = batch.Zip(answers).Where(both => both.First.Why).ToArray();
            if (asked.Length == 0)
                return;
            var explained = classifier.Explain([.. asked.Select(both => both.First.Image)], [.. asked.Select(both => both.Second)]);
            foreach (var (both, answer) in asked.Zip(explained))
                Give(both.First, answer);
        }
        // each waiting request tells it; the worker goes on with the next pass
        catch (Exception e)
        {
            foreach (var item in batch)
                item.Answer.TrySetException(e);
        }
    }

    private static void Give(Item item, Prediction answer) =>
        item.Answer.SetResult(answer with { Top = [.. answer.Top.Take(item.Top)] });

    private sealed record Item(PreparedImage Image, int Top, bool Why, TaskCompletionSource<Prediction> Answer);
}
