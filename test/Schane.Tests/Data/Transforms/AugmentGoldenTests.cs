using System.Text.Json;
using Schane.Data.Transforms;
using Schane.Tests.Support;

namespace Schane.Tests.Data.Transforms;

public class AugmentGoldenTests
{
    public static TheoryData<string, string> Keys => GoldenImages.Keys("randaugment_ops", _ => true);

    public static TheoryData<string> Folders => [.. GoldenFolder.All];

    public static TheoryData<string, string> ColourKeys =>
        GoldenImages.Keys("colour_ops", e => e.GetProperty("call").GetString() is { } call
        && !call.StartsWith("resized_crop", StringComparison.Ordinal) && !call.StartsWith("float", StringComparison.Ordinal));

    [Theory, MemberData(nameof(Keys))]
    public void Operations_are_torchvisions_on_Pillow(string folder, string key)
    {
        var (entry, arrays) = (GoldenImages.Of(folder).Entry("randaugment_ops", key),
            GoldenImages.Of(folder).Tensors("randaugment_ops.safetensors"));
        var op = Enum.Parse<AugmentOp>(entry.GetProperty("op").GetString()!);
        var fill = Fill(entry);
        var bilinear = entry.GetProperty("interpolation").GetString() == "bilinear";
        var canvas = Load(arrays[entry.GetProperty("source").GetString()!]);
        AugmentOps.Apply(canvas, op, entry.GetProperty("magnitude").GetDouble(), bilinear, fill);

        var differences = Differences(canvas, arrays[$"pil.{key}"]);
        if (op is >= AugmentOp.Brightness and <= AugmentOp.Sharpness or AugmentOp.AutoContrast || bilinear)
            Assert.InRange(differences.Max(), 0, 1);
        else
            Assert.InRange(differences.Count(d => d > 0) / (double)differences.Count, 0, 0.002);
        // The two back ends themselves are up to a level apart in colours, and treat borders of what is moved
        // differently (there Pillow is followed).
        if (op is not (AugmentOp.ShearX or AugmentOp.ShearY or AugmentOp.Rotate))
            Assert.InRange(Differences(canvas, arrays[$"tensor.{key}"]).Max(), 0, 2);
    }

    [Theory, MemberData(nameof(Folders))]
    public void The_levels_of_strength_are_torchvisions(string folder)
    {
        var (name, table) = GoldenImages.Of(folder).Index.EnumerateObject()
            .Where(p => p.Name.StartsWith("randaugment_space_", StringComparison.Ordinal)).Select(p => (p.Name, p.Value)).Single();
        var size = table.GetProperty("image_h_w");
        var levels = int.Parse(new string([.. name["randaugment_space_".Length..].TakeWhile(char.IsDigit)]));
        var space = AugmentSpace.Standard(levels);
        var ops = table.GetProperty("space").EnumerateObject().ToList();
        Assert.Equal(AugmentSpace.Drawn.Select(o => o.ToString()).Order(), ops.Select(o => o.Name).Order());
        foreach (var entry in ops)
        {
            var op = Enum.Parse<AugmentOp>(entry.Name);
            Assert.Equal(entry.Value.GetProperty("signed").GetBoolean(), AugmentSpace.IsSigned(op));
            var magnitudes = entry.Value.GetProperty("magnitudes");
            for (var level = 0; level < levels; level++)
                Assert.Equal(
                    magnitudes.ValueKind == JsonValueKind.Array ? magnitudes[level].GetDouble() : magnitudes.GetDouble(),
                    space.Magnitude(op, level, size[1].GetInt32(), size[0].GetInt32()), 1e-5);
        }
    }

    [Theory, MemberData(nameof(ColourKeys))]
    public void Colours_change_as_on_Pillow(string folder, string key)
    {
        var arrays = GoldenImages.Of(folder).Tensors("colour_ops.safetensors");
        var call = GoldenCall.Of(GoldenImages.Of(folder).Entry("colour_ops", key));
        var canvas = Load(arrays.Single(a => a.Key.StartsWith("src.", StringComparison.Ordinal)).Value);
        float Number(int at) => (float)call.Numbers[at];
        switch (call.Name)
        {
            case "adjust_hue": Colour.Hue(canvas.Own(), 3, Number(0)); break;
            case "adjust_brightness": Colour.Brightness(canvas.Own(), Number(0)); break;
            case "adjust_contrast": Colour.Contrast(canvas.Own(), 3, Number(0)); break;
            case "adjust_saturation": Colour.Saturation(canvas.Own(), 3, Number(0)); break;
            case "rgb_to_grayscale": Colour.Gray(canvas.Own()); break;
            case "gaussian_blur": GaussianBlur.Blur(canvas, (int)call.Numbers[0], Number(1)); break;
            case "hflip":
                var random = new Schane.Tensors.SampleRandom(1);
                new HorizontalFlip { Probability = 1 }.Apply(canvas, ref random);
                break;
            default:
                throw new NotSupportedException($"The golden folder has a colour operation '{call.Name}' that this test does not know.");
        }
        Assert.InRange(Differences(canvas, arrays[$"pil.{key}"]).Max(), 0, call.Name == "hflip" ? 0 : 1);
        // three levels between the back ends; TensorTransforms has the other
        if (call.Name != "adjust_hue")
            Assert.InRange(Differences(canvas, arrays[$"tensor.{key}"]).Max(), 0,
                call.Name switch { "hflip" => 0, "gaussian_blur" => 1, _ => 2 });
    }

    /// <summary>One value a channel; a single number is for all three.</summary>
    private static byte[] Fill(JsonElement entry) => !entry.TryGetProperty("fill", out var fill) ? [] : fill.ValueKind switch
    {
        JsonValueKind.Array => [.. fill.EnumerateArray().Select(f => (byte)f.GetDouble())],
        JsonValueKind.Number => [.. Enumerable.Repeat((byte)fill.GetDouble(), 3)],
        _ => [],
    };

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
