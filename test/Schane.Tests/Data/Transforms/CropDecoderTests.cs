using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Tests.Data.Transforms;

public class CropDecoderTests
{
    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Path.Combine(GoldenImages.Own.Folder, "images")).Select(f => Path.GetFileName(f)!).Order()];

    [Theory, MemberData(nameof(Files))]
    public void Decoding_the_box_alone_gives_the_pixels_of_a_whole_decode(string file)
    {
        var bytes = File.ReadAllBytes(GoldenImages.Image(file));
        var pipeline = TransformPreset.Find("light").Training(new(3, 32, [0f, 0f, 0f], [1f, 1f, 1f]));
        var (fromBox, fromWhole) = (new float[3 * 32 * 32], new float[3 * 32 * 32]);
        for (var seed = 0; seed < 40; seed++)
        {
            var (a, b) = (new SampleRandom(seed), new SampleRandom(seed));
            pipeline.ApplyToFile(bytes, file, ImageLimits.Default, ref a, fromBox);
            pipeline.Apply(ImageDecoder.Decode(bytes, file), ref b, fromWhole);
            Assert.InRange(fromBox.Zip(fromWhole, (x, y) => Math.Abs(x - y)).Max() * 255, 0, 0.01);
            Assert.Equal(b.NextBits(), a.NextBits());
        }
    }

    [Theory, MemberData(nameof(Files))]
    public void A_file_cut_in_half_is_an_error_as_soon_as_the_box_needs_it(string file)
    {
        var bytes = File.ReadAllBytes(GoldenImages.Image(file));
        var pipeline = new ImagePipeline(new(3, 32, [0f, 0f, 0f], [1f, 1f, 1f]),
            new RandomResizedCrop(32) { MinArea = 1, MaxRatio = 1.34 });
        var random = new SampleRandom(1);
        var error = Assert.Throws<SchaneException>(() =>
            pipeline.ApplyToFile(bytes.AsSpan(0, bytes.Length / 2), file, ImageLimits.Default, ref random, new float[3 * 32 * 32]));
        Assert.Contains(file, error.Message);
    }

    [Fact]
    public void A_folder_feeds_the_loader_the_same_values_either_way()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, file) in new[] { ("a/1.jpg", "natural.jpg"), ("a/2.png", "synthetic.png"), ("b/1.jpg", "progressive.jpg"),
            ("b/2.jpg", "exif_orientation6.jpg") })
            folder.Write(name, File.ReadAllBytes(GoldenImages.Image(file)));
        var images = ImageFolder.Open(folder.Path);
        var pipeline = TransformPreset.Find("standard").Training(new(3, 24, [0f, 0f, 0f], [1f, 1f, 1f]));
        using var files = new BatchLoader(images, new SequentialSampler(4, 4), pipeline, new());
        using var decoded = new BatchLoader(new CachedDataset(images), new SequentialSampler(4, 4), pipeline, new());
        for (var epoch = 0; epoch < 3; epoch++)
        {
            using var a = files.Next(TestContext.Current.CancellationToken);
            using var b = decoded.Next(TestContext.Current.CancellationToken);
            Assert.InRange(a.Images.data<float>().Zip(b.Images.data<float>(), (x, y) => Math.Abs(x - y)).Max() * 255, 0, 0.01);
        }
    }
}
