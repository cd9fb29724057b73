using Schane.Data;
using Schane.Data.Reading;
using SkiaSharp;

namespace Schane.Tests.Data.Reading;

public class PerceptualHashTests
{
    private static readonly Image8 Photo = ImageDecoder.DecodeFile(GoldenImages.Image("natural.png"));

    [Fact]
    public void A_ramp_to_the_right_is_all_zeros_and_to_the_left_all_ones()
    {
        Image8 Ramp(int sign) => new(90, 80, 1, [.. Enumerable.Range(0, 90 * 80).Select(i => (byte)(128 + sign * (i % 90 - 45)))]);
        Assert.Equal(0UL, PerceptualHash.Of(Ramp(1)));
        Assert.Equal(ulong.MaxValue, PerceptualHash.Of(Ramp(-1)));
    }

    [Fact]
    public void Another_quality_and_size_of_a_photograph_is_near_and_another_photograph_far()
    {
        var (hash, jpeg) = (PerceptualHash.Of(Photo), PerceptualHash.Of(ImageDecoder.DecodeFile(GoldenImages.Image("natural.jpg"))));
        Assert.InRange(PerceptualHash.Distance(hash, jpeg), 0, 4);
        using var bitmap = SKBitmap.Decode(GoldenImages.Image("natural.png"));
        using var small = bitmap.Resize(new SKImageInfo(150, 113), new SKSamplingOptions(SKCubicResampler.Mitchell));
        using var encoded = small.Encode(SKEncodedImageFormat.Jpeg, 60);
        Assert.InRange(PerceptualHash.Distance(hash, PerceptualHash.Of(ImageDecoder.Decode(encoded.ToArray(), "small.jpg"))), 0, 4);
        Assert.InRange(PerceptualHash.Distance(hash, PerceptualHash.Of(ImageDecoder.DecodeFile(GoldenImages.Image("gray.jpg")))), 12, 64);
    }

    [Fact]
    public void Groups_are_chains_of_near_pairs_and_plain_images_are_left_out()
    {
        const ulong a = 0xFFFF_0000_FFFF_0000;
        ulong?[] hashes = [a, 0, a ^ 0x0F, 0x00FF_00FF_00FF_00FF, null, a ^ 0xFF, 0, ulong.MaxValue];
        var groups = PerceptualHash.Groups(hashes, most: 4);
        Assert.Equal([0, 2, 5], Assert.Single(groups));
        Assert.Empty(PerceptualHash.Groups(hashes, most: 3));
    }

    [Fact]
    public void Finds_the_pairs_that_comparing_all_finds()
    {
        var random = new Schane.Tensors.SampleRandom(5);
        var hashes = new List<ulong?>();
        for (var i = 0; i < 150; i++)
        {
            var hash = random.NextBits();
            hashes.Add(hash);
            for (var flips = random.Below(9); flips > 0; flips--)
                hash ^= 1UL << random.Below(64);
            hashes.Add(hash);
        }
        var expected = Enumerable.Range(0, 300).SelectMany(i => Enumerable.Range(i + 1, 299 - i).Select(j => (i, j)))
            .Where(p => PerceptualHash.Distance(hashes[p.i]!.Value, hashes[p.j]!.Value) <= 7);
        Assert.Equal(expected.SelectMany(p => new[] { p.i, p.j }).Distinct().Order(),
            PerceptualHash.Groups(hashes, 7).SelectMany(g => g).Order());
    }

    [Fact]
    public void A_hundred_thousand_images_are_compared_of_which_many_are_alike()
    {
        var random = new Schane.Tensors.SampleRandom(7);
        var hashes = new ulong?[100_000];
        for (var i = 0; i < hashes.Length; i++)
            hashes[i] = i % 10 == 9
                ? hashes[i - 9] ^ 0b1011UL << random.Below(60) : i % 10 == 8 ? 0x00FF_0F0F_3333_5555 : random.NextBits();
        var groups = PerceptualHash.Groups(hashes);
        Assert.Equal(10_001, groups.Count);                               // each tenth with the ninth before it, and all the equal ones
        Assert.Equal(10_000, groups.Max(g => g.Count));
        Assert.All(groups.Where(g => g.Count < 10), g => Assert.Equal(9, g[1] - g[0]));
    }

    [Fact]
    public void A_check_reports_images_that_look_alike_across_parts()
    {
        using var folder = new TemporaryFolder();
        byte[] png = File.ReadAllBytes(GoldenImages.Image("natural.png")), jpeg = File.ReadAllBytes(GoldenImages.Image("natural.jpg"));
        folder.Write("train/a/1.png", png);
        folder.Write("test/a/2.jpg", jpeg);
        folder.Write("train/b/3.jpg", File.ReadAllBytes(GoldenImages.Image("gray.jpg")));
        var report = new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken);
        var near = Assert.Single(report.NearDuplicates);
        Assert.Equal(["test/a/2.jpg", "train/a/1.png"], near.Files);
        Assert.True(near is { AcrossParts: true, AcrossClasses: false });
        Assert.Empty(report.Duplicates);
    }
}
