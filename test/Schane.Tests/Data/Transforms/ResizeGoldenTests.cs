using Schane.Data;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Tests.Data.Transforms;

public class ResizeGoldenTests
{
    private static readonly Lazy<Dictionary<string, GoldenArray>> Arrays = new(() => GoldenImages.Tensors("resize.safetensors"));

    /// <summary>The 8-bit pipelines of Pillow and timm; those of tensors are in TensorTransformTests.</summary>
    public static TheoryData<string, string> Cases =>
        [.. GoldenImages.Index.GetProperty("resize").EnumerateArray().Select(e => (Key: e.GetProperty("key").GetString()!, Image: e.GetProperty("image").GetString()!))
            .Where(e => e.Key.StartsWith("pil.", StringComparison.Ordinal) || e.Key.StartsWith("timm.", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(Cases))]
    public void Resizes_as_Pillow_does(string key, string imageName)
    {
        var (size, steps, mean, std) = Pipeline(key);
        // Compared on the decoded arrays, for JPEG decoders differ by a level or two.
        var image = GoldenImages.Tensors("decoded.safetensors").TryGetValue($"decoded.{imageName}", out var decoded)
            ? decoded.Image() : PixelRows.WithChannels(ImageDecoder.DecodeFile(GoldenImages.Image(imageName)), 3);
        var checkedAny = false;
        if (Arrays.Value.TryGetValue($"{key}.u8", out var expected))
        {
            var canvas = new Canvas();
            canvas.Load(image);
            var random = new SampleRandom();
            foreach (var step in steps)
                step.Apply(canvas, ref random);
            Assert.Equal(expected.Shape, (int[])[canvas.Height, canvas.Width, 3]);
            var worst = canvas.Pixels.ToArray().Zip(expected.Bytes, (a, b) => Math.Abs(a - b)).ToList();
            Assert.InRange(worst.Max(), 0, 1);
            Assert.InRange(worst.Average(), 0, 0.2);
            checkedAny = true;
        }
        if (Arrays.Value.TryGetValue($"{key}.norm", out expected))
        {
            var output = new float[expected.Bytes.Length / 4];
            var random = new SampleRandom();
            new ImagePipeline(new(3, size, mean, std), steps).Apply(image, ref random, output);
            Assert.InRange(output.Zip(expected.Floats(), (a, b) => Math.Abs(a - b)).Max(), 0, 0.0176);
            checkedAny = true;
        }
        Assert.True(checkedAny, $"resize.safetensors holds neither {key}.u8 nor {key}.norm.");
    }

    private static (int Size, ImageStep[] Steps, float[] Mean, float[] Std) Pipeline(string key)
    {
        float[] mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f], half = [0.5f, 0.5f, 0.5f];
        var filter = key.Contains("bilinear", StringComparison.Ordinal) ? Interpolation.Bilinear : Interpolation.Bicubic;
        return key.Split('.')[^1] switch
        {
            "resize64_crop56" => (56, [new Resize(64) { Interpolation = filter }, new CenterCrop(56)], mean, std),
            "square48" => (48, [new Resize(48) { Square = true, Interpolation = filter }], half, half),
            "up150" => (150, [new Resize(150) { Interpolation = filter }], mean, std),
            "eval224" => (224, [new Resize(256), new CenterCrop(224)], mean, std),
            "875" => (56, [new Resize(64), new CenterCrop(56)], mean, std),
            "9" => (56, [new Resize(62), new CenterCrop(56)], mean, std),
            var unknown => throw new NotSupportedException($"The golden folder has a resize pipeline '{unknown}' that this test does not know."),
        };
    }

    [Fact]
    public void Sizes_are_torchvisions()
    {
        var cases = GoldenImages.Index.GetProperty("resize_sizes").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(
            (c.GetProperty("out_w").GetInt32(), c.GetProperty("out_h").GetInt32()),
            new Resize(c.GetProperty("resize").GetInt32()).Target(c.GetProperty("w").GetInt32(), c.GetProperty("h").GetInt32())));
    }

    [Fact]
    public void Crop_offsets_are_torchvisions()
    {
        var cases = GoldenImages.Index.GetProperty("center_crop_offsets").GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(
            (c.GetProperty("left").GetInt32(), c.GetProperty("top").GetInt32()),
            new CenterCrop(c.GetProperty("crop").GetInt32()).Offset(c.GetProperty("w").GetInt32(), c.GetProperty("h").GetInt32())));
    }

    [Theory]
    [InlineData("rrc_bicubic", Interpolation.Bicubic)]
    [InlineData("rrc_bilinear", Interpolation.Bilinear)]
    public void A_box_is_cut_out_and_resized_as_Pillow_does(string key, Interpolation filter)
    {
        var arrays = GoldenImages.Tensors("colour_ops.safetensors");
        var canvas = new Canvas();
        canvas.Load(arrays["src.nat"].Image());
        Resize.Box(canvas, left: 8, top: 5, width: 37, height: 30, 32, 32, filter);
        Assert.InRange(canvas.Pixels.ToArray().Zip(arrays[$"pil.{key}"].Bytes, (a, b) => Math.Abs(a - b)).Max(), 0, 1);
    }
}
