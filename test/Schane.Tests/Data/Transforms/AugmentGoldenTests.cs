using System.Text.Json;
using Schane.Data.Transforms;

namespace Schane.Tests.Data.Transforms;

public class AugmentGoldenTests
{
    private static readonly Lazy<Dictionary<string, GoldenArray>> Arrays = new(() => GoldenImages.Tensors("randaugment_ops.safetensors"));
    private static readonly Lazy<Dictionary<string, GoldenArray>> ColourArrays = new(() => GoldenImages.Tensors("colour_ops.safetensors"));

    public static TheoryData<string> Keys => [.. GoldenImages.Index.GetProperty("randaugment_ops").EnumerateArray().Select(e => e.GetProperty("key").GetString()!)];

    [Theory, MemberData(nameof(Keys))]
    public void Operations_are_torchvisions_on_Pillow(string key)
    {
        var entry = GoldenImages.Index.GetProperty("randaugment_ops").EnumerateArray().Single(e => e.GetProperty("key").GetString() == key);
        var op = Enum.Parse<AugmentOp>(entry.GetProperty("op").GetString()!);
        byte[] fill = entry.GetProperty("fill") is { ValueKind: JsonValueKind.Array } given ? [.. given.EnumerateArray().Select(f => f.GetByte())] : [];
        var bilinear = entry.GetProperty("interpolation").GetString() == "bilinear";
        var canvas = Load(Arrays.Value[entry.GetProperty("source").GetString()!]);
        AugmentOps.Apply(canvas, op, entry.GetProperty("magnitude").GetDouble(), bilinear, fill);

        var differences = Differences(canvas, Arrays.Value[$"pil.{key}"]);
        if (op is >= AugmentOp.Brightness and <= AugmentOp.Sharpness or AugmentOp.AutoContrast || bilinear)
            Assert.InRange(differences.Max(), 0, 1);
        else
            Assert.InRange(differences.Count(d => d > 0) / (double)differences.Count, 0, 0.002);
        // The two back ends themselves are up to a level apart in colours, and treat borders of what is moved differently (there Pillow is followed).
        if (op is not (AugmentOp.ShearX or AugmentOp.ShearY or AugmentOp.Rotate))
            Assert.InRange(Differences(canvas, Arrays.Value[$"tensor.{key}"]).Max(), 0, 2);
    }

    [Fact]
    public void The_levels_of_strength_are_torchvisions()
    {
        var table = GoldenImages.Index.GetProperty("randaugment_space_31bins");
        var size = table.GetProperty("image_h_w");
        var space = AugmentSpace.Standard(31);
        var ops = table.GetProperty("space").EnumerateObject().ToList();
        Assert.Equal(AugmentSpace.Drawn.Select(o => o.ToString()).Order(), ops.Select(o => o.Name).Order());
        foreach (var entry in ops)
        {
            var op = Enum.Parse<AugmentOp>(entry.Name);
            Assert.Equal(entry.Value.GetProperty("signed").GetBoolean(), AugmentSpace.IsSigned(op));
            var magnitudes = entry.Value.GetProperty("magnitudes");
            for (var level = 0; level < 31; level++)
                Assert.Equal(
                    magnitudes.ValueKind == JsonValueKind.Array ? magnitudes[level].GetDouble() : magnitudes.GetDouble(),
                    space.Magnitude(op, level, size[1].GetInt32(), size[0].GetInt32()), 1e-5);
        }
    }

    public static TheoryData<string> ColourKeys => [.. GoldenImages.Index.GetProperty("colour_ops").EnumerateArray().Select(e => e.GetProperty("key").GetString()!)
        .Where(k => !k.StartsWith("rrc_", StringComparison.Ordinal) && !k.StartsWith("tensorf.", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(ColourKeys))]
    public void Colours_change_as_on_Pillow(string key)
    {
        var canvas = Load(ColourArrays.Value["src.nat"]);
        var name = new string([.. key.TakeWhile(char.IsLetter)]);
        float[] numbers = [.. key[name.Length..].Split('_', StringSplitOptions.RemoveEmptyEntries).Select(float.Parse)];
        switch (name)
        {
            case "hue": Colour.Hue(canvas.Own(), 3, numbers[0]); break;
            case "brightness": Colour.Brightness(canvas.Own(), numbers[0]); break;
            case "contrast": Colour.Contrast(canvas.Own(), 3, numbers[0]); break;
            case "saturation": Colour.Saturation(canvas.Own(), 3, numbers[0]); break;
            case "gray": Colour.Gray(canvas.Own()); break;
            case "blur": GaussianBlur.Blur(canvas, (int)numbers[0], numbers[1]); break;
            case "hflip":
                var random = new Schane.Tensors.SampleRandom(1);
                new HorizontalFlip { Probability = 1 }.Apply(canvas, ref random);
                break;
            default: throw new NotSupportedException($"The golden folder has a colour operation '{key}' that this test does not know.");
        }
        Assert.InRange(Differences(canvas, ColourArrays.Value[$"pil.{key}"]).Max(), 0, name switch { "hflip" => 0, _ => 1 });
        if (name != "hue")                                                // three levels between the back ends; TensorTransforms has the other
            Assert.InRange(Differences(canvas, ColourArrays.Value[$"tensor.{key}"]).Max(), 0, name switch { "hflip" => 0, "blur" => 1, _ => 2 });
    }

    private static Canvas Load(GoldenArray source)
    {
        var canvas = new Canvas();
        canvas.Load(source.Image());
        return canvas;
    }

    private static List<int> Differences(Canvas canvas, GoldenArray expected)
    {
        Assert.Equal(expected.Shape, (int[])[canvas.Height, canvas.Width, canvas.Channels]);
        return [.. canvas.Pixels.ToArray().Zip(expected.Bytes, (a, b) => Math.Abs(a - b))];
    }
}
