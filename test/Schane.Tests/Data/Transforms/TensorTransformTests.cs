using Schane.Data;
using Schane.Data.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Data.Transforms;

/// <summary>Images as tensors, against torchvision's tensor back end.</summary>
public class TensorTransformTests
{
    public static TheoryData<string, string> Resizes =>
        GoldenImages.Keys("resize", e => e.GetProperty("key").GetString()!.StartsWith("tensor", StringComparison.Ordinal));

    public static TheoryData<string, string> ColourKeys =>
        GoldenImages.Keys("colour_ops", e => e.GetProperty("call").GetString()!.StartsWith("adjust_", StringComparison.Ordinal));

    public static TheoryData<string, string> Chains =>
        GoldenImages.Keys("colour_ops", e => e.GetProperty("call").GetString()!.StartsWith("float", StringComparison.Ordinal));

    // [3, H, W], uint8.
    private static Tensor Planes(Image8 image) =>
        tensor(image.Pixels, [image.Height, image.Width, 3], ScalarType.Byte).permute(2, 0, 1).contiguous();

    private static double Worst(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.dtype, actual.dtype);
        return (actual.to_type(ScalarType.Float32) - expected.to_type(ScalarType.Float32)).abs().max().ToDouble();
    }

    private static Tensor Tensor(GoldenArray array) => array.Type == "F32" ? tensor(array.Floats(), [.. array.Shape.Select(s => (long)s)])
        : tensor(array.Bytes, [.. array.Shape.Select(s => (long)s)], ScalarType.Byte);

    [Theory, MemberData(nameof(Resizes))]
    public void Resizes_as_torchvision_does(string folder, string key)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenImages.Of(folder);
        var pipeline = GoldenPipeline.Of(golden.Index.GetProperty("resize"), key);
        var image = golden.Decoded(golden.Entry("resize", key).GetProperty("image").GetString()!);
        var bytes = key.StartsWith("tensoru8.", StringComparison.Ordinal);
        var pixels = Planes(image);
        var (width, height) = pipeline.Target(image.Width, image.Height);
        var resized = TensorTransforms.Resize(bytes ? pixels : pixels.to_type(ScalarType.Float32) / 255, height, width,
            pipeline.Filter, pipeline.Antialias);
        if (pipeline.Crop is { } crop)
        {
            var (left, top) = new CenterCrop(crop).Offset(width, height);
            resized = nn.functional.pad(resized,
                [Math.Max(-left, 0), Math.Max(crop - width + left, 0), Math.Max(-top, 0), Math.Max(crop - height + top, 0)]);
            resized = resized.narrow(1, Math.Max(top, 0), crop).narrow(2, Math.Max(left, 0), crop);
        }
        Assert.InRange(Worst(resized, Tensor(golden.Tensors("resize.safetensors")[key])), 0, bytes ? 1 : 1e-5);
    }

    [Theory, MemberData(nameof(ColourKeys))]
    public void Bytes_change_colour_as_in_torchvision(string folder, string key)
    {
        using var scope = NewDisposeScope();
        var arrays = GoldenImages.Of(folder).Tensors("colour_ops.safetensors");
        var call = GoldenCall.Of(GoldenImages.Of(folder).Entry("colour_ops", key));
        var pixels = Planes(arrays.Single(a => a.Key.StartsWith("src.", StringComparison.Ordinal)).Value.Image());
        Assert.InRange(Worst(Change(pixels, call.Name["adjust_".Length..], call.Numbers[0]),
            Planes(arrays[$"tensor.{key}"].Image())), 0, 1);
    }

    [Theory, MemberData(nameof(Chains))]
    public void Floats_change_colour_as_in_torchvision_one_change_after_the_other(string folder, string key)
    {
        using var scope = NewDisposeScope();
        var arrays = GoldenImages.Of(folder).Tensors("colour_ops.safetensors");
        var call = GoldenImages.Of(folder).Entry("colour_ops", key).GetProperty("call").GetString()!;
        var x = Tensor(arrays[$"{key.Split('.')[0]}.in"]);
        foreach (var step in call.Split(':')[1].Split(',', StringSplitOptions.TrimEntries))
            x = Change(x, step.Split(' ')[0], double.Parse(step.Split(' ')[1]));
        Assert.InRange(Worst(x, Tensor(arrays[key])), 0, 1e-5);
    }

    private static Tensor Change(Tensor x, string what, double by) => what switch
    {
        "hue" => TensorTransforms.AdjustHue(x, by),
        "brightness" => TensorTransforms.AdjustBrightness(x, by),
        "contrast" => TensorTransforms.AdjustContrast(x, by),
        "saturation" => TensorTransforms.AdjustSaturation(x, by),
        _ => throw new NotSupportedException($"The golden folder has a colour operation '{what}' that this test does not know."),
    };

    [Fact]
    public void Another_type_or_shape_is_refused_and_a_batch_is_done_image_by_image()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => TensorTransforms.Resize(zeros(3, 4, 4, ScalarType.Float64), 2, 2));
        Assert.Throws<ArgumentException>(() => TensorTransforms.AdjustHue(zeros(1, 4, 4), 0.1));
        Assert.Throws<ArgumentException>(() => TensorTransforms.Resize(zeros(3, 4, 4), 2, 2, Interpolation.Lanczos, antialias: false));
        var source = GoldenImages.Own.Tensors("colour_ops.safetensors")["src.nat"].Image();
        var both = stack([Planes(source), Planes(source).flip(2)]);
        foreach (var change in new Func<Tensor, Tensor>[] { t => TensorTransforms.AdjustContrast(t, 1.4),
            t => TensorTransforms.AdjustHue(t, 0.1), t => TensorTransforms.Resize(t, 20, 30),
            t => TensorTransforms.Resize(t, 20, 30, Interpolation.Bilinear, antialias: false) })
        {
            var together = change(both);
            Assert.Equal(0, Worst(together[0], change(both[0])));
            Assert.Equal(0, Worst(together[1], change(both[1])));
        }
    }
}
