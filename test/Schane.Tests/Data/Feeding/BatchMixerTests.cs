using System.Text.Json;
using Schane.Data.Feeding;
using Schane.Tensors;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Data.Feeding;

public class BatchMixerTests
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("optim", "mixup.json");

    [Theory, MemberData(nameof(Folders))]
    public void Mixes_as_timm_does(string folder)
    {
        using var scope = NewDisposeScope();
        var arrays = GoldenImages.Read(Path.Combine(folder, "mixup.safetensors"));
        var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "mixup.json"))).RootElement.EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var entry in cases)
        {
            var key = entry.GetProperty("key").GetString()!;
            Assert.Equal("batch", entry.GetProperty("args").GetProperty("mode").GetString());
            var (classes, smoothing) = (entry.GetProperty("args").GetProperty("num_classes").GetInt32(),
                entry.GetProperty("args").GetProperty("label_smoothing").GetDouble());
            var images = tensor(arrays[$"{key}.x"].Floats()).reshape([.. arrays[$"{key}.x"].Shape.Select(s => (long)s)]);
            var labels = tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(arrays[$"{key}.labels"].Bytes).ToArray());
            var mixture = nn.functional.one_hot(labels, classes).to_type(float32);
            (int, int, int, int)? box = entry.TryGetProperty("bbox_yl_yh_xl_xh", out var b)
                ? (b[0].GetInt32(), b[1].GetInt32(), b[2].GetInt32(), b[3].GetInt32()) : null;
            BatchMixer.Apply(images, mixture, new(entry.GetProperty("lam_used").GetDouble(), box));
            // timm smooths the labels before it mixes: the same, for mixing is linear
            var target = mixture * (1 - smoothing) + smoothing / classes;
            Assert.InRange(images.data<float>().Zip(arrays[$"{key}.out"].Floats(), (x, y) => Math.Abs(x - y)).Max(), 0, 1e-6);
            Assert.InRange(target.data<float>().Zip(arrays[$"{key}.target"].Floats(), (x, y) => Math.Abs(x - y)).Max(), 0, 1e-6);
        }
    }

    [Fact]
    public void A_box_keeps_the_share_of_what_it_leaves()
    {
        // 1 − 0.75 = a quarter of the area: half of each side, 8 of 16 and 10 of 20.
        Assert.Equal(new MixDraw(0.75, (4, 12, 5, 15)), BatchMixer.Box(0.75, 8, 10, 16, 20));
        // About a corner a quarter of that box is left: 4 × 5 of 320 pixels.
        Assert.Equal(new MixDraw(1 - 20 / 320.0, (0, 4, 0, 5)), BatchMixer.Box(0.75, 0, 0, 16, 20));
    }

    [Fact]
    public void Ranks_and_micro_batches_mix_as_the_whole_batch_does()
    {
        using var scope = NewDisposeScope();
        var mixer = new BatchMixer(new() { GroupSize = 4 }, classes: 5, seed: 9);
        var (images, labels) = (rand(32, 3, 8, 8), randint(5, [32], dtype: int64));         // 16 images, two views
        Batch Share(int from, int to)
        {
            var rows = cat([arange(from, to, int64), arange(16 + from, 16 + to, int64)]);
            return new(7, 0, images.index_select(0, rows), labels.index_select(0, rows), rows, [.. Enumerable.Range(from, to - from)],
                [.. Enumerable.Range(from, to - from)]);
        }
        using var whole = mixer.Mix(Share(0, 16));
        foreach (var (from, to) in new[] { (0, 8), (8, 12), (12, 16) })
        {
            using var share = mixer.Mix(Share(from, to));
            var rows = cat([arange(from, to, int64), arange(16 + from, 16 + to, int64)]);
            Assert.True(share.Images.equal(whole.Images.index_select(0, rows)).all().item<bool>());
            Assert.True(share.Mixture.equal(whole.Mixture.index_select(0, rows)).all().item<bool>());
        }
        Assert.False(whole.Images.allclose(images));
        Assert.True((whole.Mixture.sum(1) - 1).abs().max().item<float>() < 1e-6);
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(1.0)]
    [InlineData(4.0)]
    public void The_share_has_the_mean_and_variance_of_a_beta_distribution(double alpha)
    {
        var random = new SampleRandom(1);
        var draws = Enumerable.Range(0, 20000).Select(_ => random.Beta(alpha)).ToList();
        var variance = 1 / (4 * (2 * alpha + 1));                         // Var Beta(α, α)
        Assert.InRange(draws.Average(), 0.5 - 0.01, 0.5 + 0.01);
        Assert.InRange(draws.Average(d => (d - 0.5) * (d - 0.5)) / variance, 0.96, 1.04);
        Assert.All(draws, d => Assert.InRange(d, 0, 1));
    }

    [Fact]
    public void An_image_alone_in_its_group_stays_as_it_is()
    {
        using var scope = NewDisposeScope();
        var images = rand(1, 1, 4, 4);
        using var mixed = new BatchMixer(new(), 3, 1).Mix(new(0, 0, images, tensor(new long[] { 2 }), tensor(new long[] { 0 }), [0], [0]));
        Assert.True(mixed.Images.allclose(images));
        Assert.Equal([0f, 0f, 1f], mixed.Mixture.data<float>().ToArray());
    }
}
