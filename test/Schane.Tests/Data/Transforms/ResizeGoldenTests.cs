using System.Text.RegularExpressions;
using Schane.Data.Transforms;
using Schane.Tensors;
using Schane.Tests.Support;

namespace Schane.Tests.Data.Transforms;

public class ResizeGoldenTests
{
    /// <summary>The 8-bit pipelines of Pillow and timm; those of tensors are in TensorTransformTests.</summary>
    public static TheoryData<string, string> Cases =>
        GoldenImages.Keys("resize", e => !e.GetProperty("key").GetString()!.StartsWith("tensor", StringComparison.Ordinal));

    public static TheoryData<string> Folders => [.. GoldenFolder.All];

    public static TheoryData<string, string> Boxes =>
        GoldenImages.Keys("colour_ops", e => e.GetProperty("call").GetString()!.StartsWith("resized_crop", StringComparison.Ordinal));

    [Theory, MemberData(nameof(Cases))]
    public void Resizes_as_Pillow_does(string folder, string key)
    {
        var golden = GoldenImages.Of(folder);
        var pipeline = GoldenPipeline.Of(golden.Index.GetProperty("resize"), key);
        var (steps, arrays) = (pipeline.Steps(), golden.Tensors("resize.safetensors"));
        var image = golden.Decoded(golden.Entry("resize", key).GetProperty("image").GetString()!);
        var checkedAny = false;
        if (arrays.TryGetValue($"{key}.u8", out var expected))
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
        if (arrays.TryGetValue($"{key}.norm", out expected) || arrays.TryGetValue(key, out expected))
        {
            var output = new float[expected.Bytes.Length / 4];
            var random = new SampleRandom();
            new ImagePipeline(new(3, expected.Shape[^1], pipeline.Mean, pipeline.Std), steps).Apply(image, ref random, output);
            // a level
            Assert.InRange(output.Zip(expected.Floats(), (a, b) => Math.Abs(a - b)).Max(), 0, 1.01 / (255 * pipeline.Std.Min()));
            checkedAny = true;
        }
        Assert.True(checkedAny, $"resize.safetensors holds neither {key}.u8 nor {key}.norm.");
    }

    [Theory, MemberData(nameof(Folders))]
    public void Sizes_are_torchvisions(string folder)
    {
        var cases = GoldenImages.Of(folder).Index.GetProperty("resize_sizes").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(
            (c.GetProperty("out_w").GetInt32(), c.GetProperty("out_h").GetInt32()),
            new Resize(c.GetProperty("resize").GetInt32()).Target(c.GetProperty("w").GetInt32(), c.GetProperty("h").GetInt32())));
    }

    [Theory, MemberData(nameof(Folders))]
    public void Crop_offsets_are_torchvisions(string folder)
    {
        var cases = GoldenImages.Of(folder).Index.GetProperty("center_crop_offsets").GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(
            (c.GetProperty("left").GetInt32(), c.GetProperty("top").GetInt32()),
            new CenterCrop(c.GetProperty("crop").GetInt32()).Offset(c.GetProperty("w").GetInt32(), c.GetProperty("h").GetInt32())));
    }

    [Theory, MemberData(nameof(Boxes))]
    public void A_box_is_cut_out_and_resized_as_Pillow_does(string folder, string key)
    {
        var golden = GoldenImages.Of(folder);
        var arrays = golden.Tensors("colour_ops.safetensors");
        var call = golden.Entry("colour_ops", key).GetProperty("call").GetString()!;
        // top, left, height, width, and the size to make
        int[] numbers = [.. Regex.Matches(call, @"\d+").Select(m => int.Parse(m.Value))];
        var filter = Enum.GetValues<Interpolation>().First(f => call.Contains(f.ToString(), StringComparison.OrdinalIgnoreCase));
        var canvas = new Canvas();
        canvas.Load(arrays.Single(a => a.Key.StartsWith("src.", StringComparison.Ordinal)).Value.Image());
        Resize.Box(canvas, numbers[1], numbers[0], numbers[3], numbers[2], numbers[5], numbers[4], filter);
        Assert.InRange(canvas.Pixels.ToArray().Zip(arrays[$"pil.{key}"].Bytes, (a, b) => Math.Abs(a - b)).Max(), 0, 1);
    }
}
