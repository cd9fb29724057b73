using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Data;

/// <summary>Decodes and augments the images of one batch straight into its tensors. Thread-safe.</summary>
internal sealed class BatchMaker(IImageDataset dataset, IImageTransform transform, LoaderOptions options)
{
    public ConcurrentDictionary<int, BadImage> Bad { get; } = new();

    public Batch Make(long step, int epoch, int[] whole)
    {
        var (from, to) = ((int)((long)whole.Length * options.Rank / options.Ranks), (int)((long)whole.Length * (options.Rank + 1) / options.Ranks));
        var pictures = new List<(int Index, int Position, int Time, Image8 Image)>(to - from);
        var times = new Dictionary<int, int>();                           // a sampler may repeat an image in a batch: each time is another view
        for (var i = 0; i < to; i++)
        {
            var time = times[whole[i]] = times.GetValueOrDefault(whole[i], -1) + 1;
            if (i >= from && Read(whole[i]) is { } image)
                pictures.Add((whole[i], i, time, image));
        }
        if (pictures.Count == 0)
            throw new SchaneException(from == to
                ? $"Batch {step} has {whole.Length} images, too few for {options.Ranks} ranks. Make batches larger."
                : $"None of the {to - from} images of batch {step} can be read; the first: {Bad[whole[from]].Reason}");

        var (n, views, shape) = (pictures.Count, options.Views, transform.Output);
        var size = shape.Channels * shape.Height * shape.Width;
        var images = empty([(long)n * views, shape.Channels, shape.Height, shape.Width], float32);
        var labels = empty([(long)n * views], int64);
        var ids = empty([(long)n * views], int64);
        try
        {
            var rows = MemoryMarshal.Cast<byte, float>(images.bytes);
            var labelRows = MemoryMarshal.Cast<byte, long>(labels.bytes);
            var idRows = MemoryMarshal.Cast<byte, long>(ids.bytes);
            for (var i = 0; i < n; i++)
                for (var v = 0; v < views; v++)
                {
                    var row = v * n + i;
                    var random = new SampleRandom(options.Seed, epoch, pictures[i].Index, pictures[i].Time * views + v);
                    transform.Apply(pictures[i].Image, ref random, rows.Slice(row * size, size));
                    (labelRows[row], idRows[row]) = (dataset.LabelOf(pictures[i].Index), pictures[i].Index);
                }
            if (options.PinMemory)
            {
                var pageable = images;
                images = pageable.pin_memory();
                pageable.Dispose();
            }
            return new(step, epoch, images, labels, ids, [.. pictures.Select(p => p.Index)], [.. pictures.Select(p => p.Position)]);
        }
        catch
        {
            images.Dispose();
            labels.Dispose();
            ids.Dispose();
            throw;
        }
    }

    private Image8? Read(int index)
    {
        if (options.OnBadImage == OnBadImage.Fail)
            return dataset.Read(index);
        if (Bad.ContainsKey(index))
            return null;
        try
        {
            return dataset.Read(index);
        }
        catch (SchaneException e)
        {
            Bad[index] = new(index, dataset.NameOf(index), e.Message);
            return null;
        }
    }
}
