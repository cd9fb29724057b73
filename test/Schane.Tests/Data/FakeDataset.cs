using Schane.Data;

namespace Schane.Tests.Data;

/// <summary>One gray pixel an image, its index; some indices can't be read.</summary>
internal sealed class FakeDataset(int[] labels, params int[] broken) : IImageDataset
{
    public string Name => "fake";

    public IReadOnlyList<string> Classes { get; } = [.. Enumerable.Range(0, labels.Max() + 1).Select(c => $"class{c}")];

    public int Count => labels.Length;

    public int Reads;

    public int LabelOf(int index) => labels[index];

    public string NameOf(int index) => $"image{index}";

    public Image8 Read(int index)
    {
        Interlocked.Increment(ref Reads);
        return broken.Contains(index) ? throw new SchaneException($"'image{index}' is broken.") : new(1, 1, 1, [(byte)index]);
    }
}

/// <summary>Output is [pixel, a random number].</summary>
internal sealed class PixelAndChance : IImageTransform
{
    public (int Channels, int Height, int Width) Output => (1, 1, 2);

    public void Apply(Image8 image, ref Schane.Tensors.SampleRandom random, Span<float> destination) =>
        (destination[0], destination[1]) = (image.Pixels[0], (float)random.NextDouble());
}
