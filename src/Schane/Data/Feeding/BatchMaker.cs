using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Schane.Data.Transforms;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Data.Feeding;

/// <summary>Decodes and augments the images of one batch straight into its tensors. Thread-safe.</summary>
internal sealed class BatchMaker(IImageDataset dataset, IImageTransform transform, LoaderOptions options)
{
    /// <summary>Images that could not be read, by index.</summary>
    public ConcurrentDictionary<int, BadImage> Bad { get; } = new();

    /// <summary>The same in the order in which they were met.</summary>
    public ConcurrentQueue<BadImage> Skipped { get; } = new();

    // One view of a file is decoded no further than its crop needs; several views share one whole decode.
    private readonly IImageFiles? files = options.Views == 1 && transform is ImagePipeline { CropsFirst: true }
        ? dataset as IImageFiles : null;

    private readonly ImagePipeline? pixels = options.KeepBytes ? transform as ImagePipeline : null;

    public Batch Make(long step, int epoch, int[] whole)
    {
        var (from, to) = RankShare.Of(whole.Length, options.Rank, options.Ranks, options.ShareUnit);
        var (views, shape) = (options.Views, transform.Output);
        var size = shape.Channels * shape.Height * shape.Width;
        var images = empty([(long)(to - from) * views, shape.Channels, shape.Height, shape.Width], pixels is null ? float32 : uint8);
        try
        {
            var rows = images.bytes;
            var read = new List<(int Index, int Position)>(to - from);    // in order; what can't be read leaves its rows to be closed up
            // a sampler may repeat an image in a batch: each time is another view
            var times = new Dictionary<int, int>();
            for (var i = 0; i < to; i++)
            {
                var time = times[whole[i]] = times.GetValueOrDefault(whole[i], -1) + 1;
                if (i >= from && Draw(epoch, whole[i], time, rows, read.Count, to - from, size))
                    read.Add((whole[i], i));
            }
            if (read.Count == 0 && to > from)
                throw new SchaneException(
                    $"None of the {to - from} images of batch {step} can be read; the first: {Bad[whole[from]].Reason}");
            images = CloseUp(images, read.Count, to - from);
            if (options.PinMemory)
            {
                var pageable = images;
                images = pageable.pin_memory();
                pageable.Dispose();
            }
            return new(step, epoch, images, Repeat(read.Select(r => (long)dataset.LabelOf(r.Index))),
                Repeat(read.Select(r => (long)r.Index)), [.. read.Select(r => r.Index)], [.. read.Select(r => r.Position)])
            {
                Scale = pixels?.Input,
                Targets = options.MultiLabel ? Targets(read.Select(r => r.Index)) : null,
            };
        }
        catch
        {
            images.Dispose();
            throw;
        }
    }

    /// <summary>Writes the views of one image to rows <paramref name="row"/>, n + row, 2n + row …; false where it can't be read
    /// and is to be skipped.</summary>
    private bool Draw(int epoch, int index, int time, Span<byte> rows, int row, int n, int size)
    {
        if (Bad.ContainsKey(index))
            return false;
        try
        {
            var file = files?.ReadFile(index);
            var image = file is null ? dataset.Read(index) : null;
            var bytes = pixels is null ? size * sizeof(float) : size;
            for (var v = 0; v < options.Views; v++)
            {
                var random = new SampleRandom(options.Seed, epoch, index, time * options.Views + v);
                var destination = rows.Slice((v * n + row) * bytes, bytes);
                if (file is var (content, name) && pixels is not null)
                    pixels.ApplyBytesToFile(content, name, files!.Limits, ref random, destination);
                else if (file is var (whole, of))
                    ((ImagePipeline)transform)
                        .ApplyToFile(whole, of, files!.Limits, ref random, MemoryMarshal.Cast<byte, float>(destination));
                else if (pixels is not null)
                    pixels.ApplyBytes(image!, ref random, destination);
                else
                    transform.Apply(image!, ref random, MemoryMarshal.Cast<byte, float>(destination));
            }
            return true;
        }
        catch (SchaneException e) when (options.OnBadImage == OnBadImage.Skip)
        {
            var bad = new BadImage(index, dataset.NameOf(index), e.Message);
            if (Bad.TryAdd(index, bad))
                Skipped.Enqueue(bad);
            return false;
        }
    }

    /// <summary>Takes the first <paramref name="kept"/> of each <paramref name="n"/> rows.</summary>
    private Tensor CloseUp(Tensor images, int kept, int n)
    {
        if (kept == n)
            return images;
        using var scope = NewDisposeScope();
        using var all = images;
        return all.view([options.Views, n, .. all.shape[1..]]).narrow(1, 0, kept).reshape([(long)options.Views * kept, .. all.shape[1..]])
            .clone().MoveToOuterDisposeScope();
    }

    private Tensor Targets(IEnumerable<int> images)
    {
        int[][] labels = [.. images.Select(index => dataset.LabelsOf(index).ToArray())];
        var (classes, values) = (dataset.Classes.Count, new float[options.Views * labels.Length * dataset.Classes.Count]);
        for (var row = 0; row < options.Views * labels.Length; row++)
            foreach (var label in labels[row % labels.Length])
                values[row * classes + label] = 1;
        return tensor(values, [(long)options.Views * labels.Length, classes], float32);
    }

    private Tensor Repeat(IEnumerable<long> values)
    {
        long[] once = [.. values];
        return tensor([.. Enumerable.Repeat(once, options.Views).SelectMany(v => v)], int64);
    }
}
