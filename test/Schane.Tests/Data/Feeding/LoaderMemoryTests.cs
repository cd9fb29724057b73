using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tests.Support;

namespace Schane.Tests.Data.Feeding;

[Collection(WholeProcess.Name)]
public class LoaderMemoryTests
{
    [Fact, Trait("Slow", "1")]
    public void Memory_does_not_grow_over_a_hundred_thousand_images()
    {
        var labels = new int[100_000];
        var bytes = new byte[1000 * 3072];
        new Random(1).NextBytes(bytes);
        var png = Enumerable.Range(0, 50)
            .Select(i => Pictures.Png(32, 32, bits: 8, colour: 2, bytes[(i * 3072)..((i + 1) * 3072)])).ToArray();
        var pipeline = TransformPreset.Find("standard").Training(new(3, 32, [0f, 0f, 0f], [1f, 1f, 1f]));
        using var loader = new BatchLoader(new Decoded(labels, png), new ShuffledSampler(labels.Length, 100, 1),
            pipeline, new() { Workers = 2 });
        long Used(int batches)
        {
            for (var i = 0; i < batches; i++)
                loader.Next(TestContext.Current.CancellationToken).Dispose();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
        var before = Used(100);
        Assert.InRange((Used(1000) - before) / 1048576.0, -1000, 24);
    }

    private sealed class Decoded(int[] labels, byte[][] files) : IImageDataset
    {
        public string Name => "decoded";

        public IReadOnlyList<string> Classes => ["one"];

        public int Count => labels.Length;

        public int LabelOf(int index) => labels[index];

        public string NameOf(int index) => $"{index}.png";

        public Image8 Read(int index) => ImageDecoder.Decode(files[index % files.Length], NameOf(index));
    }
}
