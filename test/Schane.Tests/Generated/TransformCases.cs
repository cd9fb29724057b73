using System.Globalization;
using System.Text.Json.Nodes;
using Schane.Checkpoints;
using SkiaSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden cases of transforms with random sizes, filters, crops and strengths, by Pillow's and torchvision's
/// documented rules in float64.</summary>
internal sealed class TransformCases(int seed, string folder)
{
    private readonly Random random = new(seed);
    private readonly Dictionary<string, Tensor> resized = [], colours = [], operations = [], decoded = [];
    private readonly JsonArray resizes = [], colourOps = [], randOps = [];

    public void Write()
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        using var scope = NewDisposeScope();
        foreach (var name in (string[])["one.png", "two.png"])
            Resizes(name, Image(name));
        Colours();
        Operations();
        var index = new JsonObject
        {
            ["resize"] = resizes,
            ["resize_sizes"] = new JsonArray([.. Enumerable.Range(0, 20).Select(_ => (JsonNode)Size())]),
            ["center_crop_offsets"] = new JsonObject
            { ["cases"] = new JsonArray([.. Enumerable.Range(0, 20).Select(_ => (JsonNode)Offset())]) },
            ["randaugment_ops"] = randOps,
            ["colour_ops"] = colourOps,
        };
        var bins = random.Next(5, 41);
        index[$"randaugment_space_{bins}bins"] = Space(bins, random.Next(20, 90), random.Next(20, 90));
        File.WriteAllText(Path.Combine(folder, "index.json"), index.ToJsonString());
        Safetensors.Write(Path.Combine(folder, "resize.safetensors"), resized);
        Safetensors.Write(Path.Combine(folder, "colour_ops.safetensors"), colours);
        Safetensors.Write(Path.Combine(folder, "randaugment_ops.safetensors"), operations);
        Safetensors.Write(Path.Combine(folder, "decoded.safetensors"), decoded);
    }

    private void Resizes(string name, PlainImage image)
    {
        int shorter = random.Next(16, 60), crop = random.Next(8, shorter + 1), square = random.Next(10, 50), size = random.Next(12, 40);
        var filter = One("bilinear", "bicubic");
        double mean = Between(0.2, 0.6), std = Between(0.1, 0.6), share = Math.Round(Between(0.7, 1), 3);
        string[] numbers = [mean.ToString("0.###", CultureInfo.InvariantCulture), std.ToString("0.###", CultureInfo.InvariantCulture)];
        (double[] Mean, double[] Std) imageNet = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        double[] Three(string number) => [.. Enumerable.Repeat(double.Parse(number, CultureInfo.InvariantCulture), 3)];

        var cut = image.Shorter(shorter, filter, rounds: true).CutOut(crop);
        Case($"pil.{name}.a",
            $"PIL: Resize({shorter},{filter}) CenterCrop({crop}) [.u8 HWC] ToTensor Normalize(ImageNet) [.norm CHW]", cut, imageNet);
        Case($"pil.{name}.b",
            $"PIL: Resize(({square},{square}),{filter}) ToTensor Normalize({numbers[0]},{numbers[1]}), as another evaluates",
            image.Resize(square, square, filter, rounds: true), (Three(numbers[0]), Three(numbers[1])));
        var text = share.ToString(CultureInfo.InvariantCulture);
        var larger = (int)Math.Floor(size / share);
        Case($"timm.{name}.c", $"timm.data.create_transform(input_size={size}, crop_pct={text}, {filter}): ['Resize{larger}', " +
            $"'CenterCrop({size}, {size})', 'MaybeToTensor', 'Normalize']",
            image.Shorter(larger, filter, rounds: true).CutOut(size), imageNet);
        resizes.Add(new JsonObject
        {
            ["key"] = $"tensorf.{name}.d",
            ["image"] = name,
            ["pipeline"] = "tensor float32 [0,1] CHW: " +
                $"F.resize([{shorter}],{filter.ToUpperInvariant()},antialias=True) center_crop({crop}); not clamped"
        });
        resized[$"tensorf.{name}.d"] = image.Shorter(shorter, filter, rounds: false).CutOut(crop).Floats([0, 0, 0], [1, 1, 1]);

        void Case(string key, string pipeline, PlainImage result, (double[] Mean, double[] Std) constants)
        {
            resizes.Add(new JsonObject { ["key"] = key, ["image"] = name, ["pipeline"] = pipeline });
            (resized[$"{key}.u8"], resized[$"{key}.norm"]) = (result.Bytes(), result.Floats(constants.Mean, constants.Std));
        }
    }

    private void Colours()
    {
        var source = Image("three.png");
        colours["src.three"] = source.Bytes();
        double by = Math.Round(Between(0.3, 1.8), 2), sigma = Math.Round(Between(0.3, 2), 2);
        var kernel = 2 * random.Next(1, 5) + 1;
        var grey = source.Grey();
        var mean = grey.Values.Average();
        Case("brightness", $"adjust_brightness({by})", source.Map((v, _, _) => by * v));
        Case("contrast", $"adjust_contrast({by})", source.Map((v, _, _) => by * v + (1 - by) * mean));
        Case("saturation", $"adjust_saturation({by})", source.Map((v, pixel, _) => by * v + (1 - by) * grey.Values[pixel * 3]));
        Case("gray", "rgb_to_grayscale(3)", grey);
        Case("flip", "hflip", source.Moved((x, y) => (source.Width - 1 - x, y), [0, 0, 0]));
        Case("blur", $"gaussian_blur(kernel {kernel}, sigma {sigma})", source.Blurred(kernel, sigma));
        int left = random.Next(0, source.Width / 2), top = random.Next(0, source.Height / 2), width = random.Next(8, source.Width / 2),
            height = random.Next(8, source.Height / 2), to = random.Next(8, 30);
        var filter = One("bilinear", "bicubic");
        Case("box", $"resized_crop(top,left,h,w=[{top}, {left}, {height}, {width}], size {to}x{to}, {filter})",
            source.Box(left, top, width, height).Resize(to, to, filter, rounds: true));

        void Case(string key, string call, PlainImage result)
        {
            colourOps.Add(new JsonObject { ["key"] = key, ["call"] = call });
            (colours[$"pil.{key}"], colours[$"tensor.{key}"]) = (result.Bytes(), result.Bytes());
        }
    }

    private void Operations()
    {
        var source = Image("four.png");
        operations["src.four"] = source.Bytes();
        int shift = random.Next(-9, 10), bits = random.Next(1, 8), least = random.Next(0, 256);
        var change = Between(-0.9, 0.9);
        byte[] fill = [(byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)];
        var grey = source.Grey();
        var mean = Math.Round(grey.Values.Average());
        Case("TranslateX", shift + Math.Sign(shift) * 0.4, source.Moved((x, y) => (x - shift, y), [0, 0, 0]));
        Case("TranslateY", shift, source.Moved((x, y) => (x, y - shift), fill), fill);
        Case("Posterize", bits, source.Map((v, _, _) => (int)v >> (8 - bits) << (8 - bits)));
        Case("Solarize", least, source.Map((v, _, _) => v < least ? v : 255 - v));
        Case("Brightness", change, source.Map((v, _, _) => (1 + change) * v));
        Case("Contrast", change, source.Map((v, _, _) => (1 + change) * v - change * mean));
        Case("Color", change, source.Map((v, pixel, _) => (1 + change) * v - change * grey.Values[pixel * 3]));
        Case("Identity", 0, source);

        void Case(string op, double magnitude, PlainImage result, byte[]? fill = null)
        {
            var key = $"{op}.seed{seed}";
            randOps.Add(new JsonObject
            {
                ["key"] = key,
                ["op"] = op,
                ["source"] = "src.four",
                ["magnitude"] = magnitude,
                ["interpolation"] = op.StartsWith("Translate", StringComparison.Ordinal) ? "nearest" : null,
                ["fill"] = fill is null ? null : new JsonArray([.. fill.Select(f => (JsonNode)(int)f)]),
            });
            (operations[$"pil.{key}"], operations[$"tensor.{key}"]) = (result.Bytes(), result.Bytes());
        }
    }

    private JsonObject Size()
    {
        int width = random.Next(20, 400), height = random.Next(20, 400), size = random.Next(8, 300);
        var (outWidth, outHeight) = width <= height ? (size, size * height / width) : (size * width / height, size);
        return new() { ["w"] = width, ["h"] = height, ["resize"] = size, ["out_w"] = outWidth, ["out_h"] = outHeight };
    }

    private JsonObject Offset()
    {
        int width = random.Next(20, 100), height = random.Next(20, 100), crop = random.Next(8, 100);
        int One(int side) => PlainImage.Offset(side, crop);
        return new() { ["w"] = width, ["h"] = height, ["crop"] = crop, ["left"] = One(width), ["top"] = One(height) };
    }

    /// <summary>torchvision's table of strengths.</summary>
    private static JsonObject Space(int bins, int height, int width)
    {
        var space = new JsonObject();
        void Add(string op, bool signed, Func<double, double>? at) => space[op] = new JsonObject
        {
            ["signed"] = signed,
            ["magnitudes"] = at is null
                ? 0.0 : new JsonArray([.. Enumerable.Range(0, bins).Select(level => (JsonNode)at(level / (bins - 1.0)))]),
        };
        foreach (var op in (string[])["ShearX", "ShearY"])
            Add(op, true, share => 0.3 * share);
        Add("TranslateX", true, share => 150.0 / 331 * width * share);
        Add("TranslateY", true, share => 150.0 / 331 * height * share);
        Add("Rotate", true, share => 30 * share);
        foreach (var op in (string[])["Brightness", "Color", "Contrast", "Sharpness"])
            Add(op, true, share => 0.9 * share);
        Add("Posterize", false, share => 8 - Math.Round(4 * share, MidpointRounding.ToEven));
        Add("Solarize", false, share => 255 * (1 - share));
        foreach (var op in (string[])["Identity", "AutoContrast", "Equalize"])
            Add(op, false, null);
        return new() { ["image_h_w"] = new JsonArray(height, width), ["space"] = space };
    }

    /// <summary>Smooth random colours, saved as PNG.</summary>
    private PlainImage Image(string name)
    {
        int width = random.Next(24, 70), height = random.Next(24, 70);
        double[] phases = [.. Enumerable.Range(0, 9).Select(_ => 6 * random.NextDouble())];
        var image = new PlainImage(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i =>
        {
            var (x, y, c) = (i / 3 % width, i / 3 / width, i % 3);
            return Math.Round(127.5 + 60 * Math.Sin(0.21 * x + phases[c]) + 60 * Math.Sin(0.17 * y + phases[3 + c])
                + 7 * Math.Sin(1.9 * x * y + phases[6 + c]));
        })]);
        using var bitmap = new SKBitmap(width, height);
        for (var i = 0; i < width * height; i++)
            bitmap.SetPixel(i % width, i / width,
                new((byte)image.Values[3 * i], (byte)image.Values[3 * i + 1], (byte)image.Values[3 * i + 2]));
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(Path.Combine(folder, "images", name), data.ToArray());
        decoded[$"decoded.{name}"] = image.Bytes();
        return image;
    }

    private T One<T>(params T[] choices) => choices[random.Next(choices.Length)];

    private double Between(double low, double high) => low + (high - low) * random.NextDouble();
}
