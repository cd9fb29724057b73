using Schane.Data;
using Schane.Data.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Data.Transforms;

/// <summary>Pictures as tensors, against torchvision's tensor back end.</summary>
public class TensorTransformTests
{
    private static readonly Lazy<Dictionary<string, GoldenArray>> Resized = new(() => GoldenImages.Tensors("resize.safetensors"));
    private static readonly Lazy<Dictionary<string, GoldenArray>> Colours = new(() => GoldenImages.Tensors("colour_ops.safetensors"));

    public static TheoryData<string, string> Resizes =>
        [.. GoldenImages.Index.GetProperty("resize").EnumerateArray().Select(e => (Key: e.GetProperty("key").GetString()!, Image: e.GetProperty("image").GetString()!))
            .Where(e => e.Key.StartsWith("tensor", StringComparison.Ordinal))];

    public static TheoryData<string> ColourKeys => [.. GoldenImages.Index.GetProperty("colour_ops").EnumerateArray().Select(e => e.GetProperty("key").GetString()!)
        .Where(k => k.StartsWith("hue", StringComparison.Ordinal) || k.StartsWith("brightness", StringComparison.Ordinal) || k.StartsWith("contrast", StringComparison.Ordinal) || k.StartsWith("saturation", StringComparison.Ordinal))];

    // [3, H, W], uint8.
    private static Tensor Planes(Image8 image) => tensor(image.Pixels, [image.Height, image.Width, 3], ScalarType.Byte).permute(2, 0, 1).contiguous();

    private static double Worst(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.dtype, actual.dtype);
        return (actual.to_type(ScalarType.Float32) - expected.to_type(ScalarType.Float32)).abs().max().ToDouble();
    }

    private static Tensor Tensor(GoldenArray array) => array.Type == "F32" ? tensor(array.Floats(), [.. array.Shape.Select(s => (long)s)])
        : tensor(array.Bytes, [.. array.Shape.Select(s => (long)s)], ScalarType.Byte);

    [Theory, MemberData(nameof(Resizes))]
    public void Resizes_as_torchvision_does(string key, string imageName)
    {
        using var scope = NewDisposeScope();
        var image = GoldenImages.Tensors("decoded.safetensors").TryGetValue($"decoded.{imageName}", out var decoded)
            ? decoded.Image() : PixelRows.WithChannels(ImageDecoder.DecodeFile(GoldenImages.Image(imageName)), 3);
        var bytes = key.StartsWith("tensoru8.", StringComparison.Ordinal);
        var pixels = Planes(image);
        var (width, height) = new Resize(64).Target(image.Width, image.Height);
        var resized = TensorTransforms.Resize(bytes ? pixels : pixels.to_type(ScalarType.Float32) / 255, height, width, Interpolation.Bicubic, antialias: !key.Contains("noaa", StringComparison.Ordinal));
        var (left, top) = new CenterCrop(56).Offset(width, height);
        Assert.InRange(Worst(resized.narrow(1, top, 56).narrow(2, left, 56), Tensor(Resized.Value[key])), 0, bytes ? 1 : 1e-5);
    }

    [Theory, MemberData(nameof(ColourKeys))]
    public void Bytes_change_colour_as_in_torchvision(string key)
    {
        using var scope = NewDisposeScope();
        var name = new string([.. key.TakeWhile(char.IsLetter)]);
        var factor = double.Parse(key[name.Length..]);
        var pixels = Planes(Colours.Value["src.nat"].Image());
        var changed = name switch
        {
            "hue" => TensorTransforms.AdjustHue(pixels, factor),
            "brightness" => TensorTransforms.AdjustBrightness(pixels, factor),
            "contrast" => TensorTransforms.AdjustContrast(pixels, factor),
            _ => TensorTransforms.AdjustSaturation(pixels, factor),
        };
        Assert.InRange(Worst(changed, Planes(Colours.Value[$"tensor.{key}"].Image())), 0, 1);
    }

    [Fact]
    public void Floats_change_colour_as_in_torchvision_one_change_after_the_other()
    {
        using var scope = NewDisposeScope();
        var x = Tensor(Colours.Value["tensorf.in"]);
        x = TensorTransforms.AdjustHue(TensorTransforms.AdjustSaturation(TensorTransforms.AdjustContrast(TensorTransforms.AdjustBrightness(x, 1.3), 0.7), 1.5), 0.07);
        Assert.InRange(Worst(x, Tensor(Colours.Value["tensorf.chain"])), 0, 1e-5);
    }

    [Fact]
    public void Another_type_or_shape_is_refused_and_a_batch_is_done_picture_by_picture()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => TensorTransforms.Resize(zeros(3, 4, 4, ScalarType.Float64), 2, 2));
        Assert.Throws<ArgumentException>(() => TensorTransforms.AdjustHue(zeros(1, 4, 4), 0.1));
        Assert.Throws<ArgumentException>(() => TensorTransforms.Resize(zeros(3, 4, 4), 2, 2, Interpolation.Lanczos, antialias: false));
        var both = stack([Planes(Colours.Value["src.nat"].Image()), Planes(Colours.Value["src.nat"].Image()).flip(2)]);
        foreach (var change in new Func<Tensor, Tensor>[] { t => TensorTransforms.AdjustContrast(t, 1.4), t => TensorTransforms.AdjustHue(t, 0.1), t => TensorTransforms.Resize(t, 20, 30), t => TensorTransforms.Resize(t, 20, 30, Interpolation.Bilinear, antialias: false) })
        {
            var together = change(both);
            Assert.Equal(0, Worst(together[0], change(both[0])));
            Assert.Equal(0, Worst(together[1], change(both[1])));
        }
    }
}
