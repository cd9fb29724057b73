using Schane.Data;
using Schane.Data.Feeding;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

internal static partial class SharedCases
{
    /// <summary>Each image one colour, which the class has a say in.</summary>
    private sealed class Pictures8(int count) : IImageDataset
    {
        public string Name => "eight";

        public IReadOnlyList<string> Classes { get; } = [.. "abcdefgh".Select(c => $"{c}")];

        // 61 make two batches of 23 and a last one of 15, or one of 40 and one of 21
        public int Count => count;

        public int LabelOf(int index) => index % SharedCases.Classes;

        // taken by the case of several classes alone
        public IReadOnlyList<int> LabelsOf(int index) => [.. new[] { LabelOf(index), index / 5 % SharedCases.Classes }.Distinct().Order()];

        public string NameOf(int index) => $"{index}";

        public Image8 Read(int index) => new(1, 1, 3, [(byte)(index * 4), (byte)(LabelOf(index) * 30), (byte)(255 - index)]);
    }

    /// <summary>The colour with noise on every pixel.</summary>
    private sealed class Noisy : IImageTransform
    {
        public (int Channels, int Height, int Width) Output => (3, Side, Side);

        public void Apply(Image8 image, ref SampleRandom random, Span<float> destination)
        {
            for (var i = 0; i < destination.Length; i++)
                destination[i] = image.Pixels[i / (Side * Side)] / 128f - 1 + (float)random.NextDouble();
        }
    }

    /// <summary>Batches whose images have another type of numbers.</summary>
    private sealed class Converted(BatchLoader inner, ScalarType type, Action<long> before) : IBatchSource
    {
        public int BatchesPerEpoch => inner.BatchesPerEpoch;

        public TimeSpan Waited => inner.Waited;

        public IReadOnlyList<BadImage> BadImages => inner.BadImages;

        public Batch Next(CancellationToken cancel = default)
        {
            var batch = inner.Next(cancel);
            before(batch.Step);
            return batch with { Images = batch.Images.to(type).DetachFromDisposeScope() };
        }

        public void SeekTo(long step, ISampler? sampler = null) => inner.SeekTo(step, sampler);

        public void Dispose() => inner.Dispose();
    }

    private sealed class Losses : List<double>, IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Loss is { } loss)
                Add(loss);
        }
    }
}
