using Schane.Data;
using Schane.Tensors;

namespace Schane.Tests.Reporting;

/// <summary>The images of a <see cref="SampleRun"/>: a disc on a ground, colours by class.</summary>
internal sealed class SampleImages(string[] classes, int perClass) : IImageDataset
{
    private const int Side = 32;

    public string Name => "sample";

    public IReadOnlyList<string> Classes => classes;

    public int Count => classes.Length * perClass;

    public int LabelOf(int index) => index / perClass;

    public string NameOf(int index) => $"{classes[LabelOf(index)]}/{index % perClass}.png";

    public Image8 Read(int index)
    {
        var random = new SampleRandom(LabelOf(index));
        byte[] ground = [(byte)random.Below(256), (byte)random.Below(256), (byte)random.Below(256)], disc = [(byte)random.Below(256),
            (byte)random.Below(256), (byte)random.Below(256)];
        var (radius, pixels) = (6 + index % 8, new byte[Side * Side * 3]);
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (Math.Pow(i / 3 % Side - 16, 2) + Math.Pow(i / 3 / Side - 16, 2) < radius * radius ? disc : ground)[i % 3];
        return new(Side, Side, 3, pixels);
    }
}
