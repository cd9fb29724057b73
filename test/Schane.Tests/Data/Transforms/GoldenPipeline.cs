using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Schane.Data.Transforms;
using Schane.Models;

namespace Schane.Tests.Data.Transforms;

/// <summary>
/// A pipeline as the index of a golden folder words it: <c>Resize(64,bicubic) CenterCrop(56)</c>, <c>Resize((48,48),bicubic)</c>,
/// <c>F.resize([64],BICUBIC,antialias=True) center_crop(56)</c>, <c>create_transform(input_size=56, crop_pct=0.875, bicubic)</c>. What an
/// entry leaves out ("same", "antialias=False") is said by its key or by the entry before it.
/// </summary>
/// <param name="Height">Height after resizing; with <paramref name="Width"/> 0 the shorter side.</param>
/// <param name="Width">Width after resizing, or 0.</param>
/// <param name="Crop">Side of the square cut out after it; null for none.</param>
/// <param name="Filter">Interpolation.</param>
/// <param name="Antialias">Whether the filter widens when shrinking.</param>
/// <param name="Mean">Mean per channel.</param>
/// <param name="Std">Deviation per channel.</param>
internal sealed partial record GoldenPipeline(int Height, int Width, int? Crop, Interpolation Filter,
    bool Antialias, float[] Mean, float[] Std)
{
    public static GoldenPipeline Of(JsonElement entries, string key)
    {
        GoldenPipeline? before = null;
        foreach (var entry in entries.EnumerateArray())
        {
            var here = entry.GetProperty("key").GetString()!;
            before = Read(entry.GetProperty("pipeline").GetString()!, here, before);
            if (here == key)
                return before;
        }
        throw new InvalidOperationException($"The golden folder has no resize pipeline '{key}'.");
    }

    private static GoldenPipeline Read(string text, string key, GoldenPipeline? before)
    {
        var (height, width, crop) = (0, 0, (int?)null);
        if (Timm().Match(text) is { Success: true } timm)
        {
            // timm/data/transforms_factory.py: the side is cut down to a whole number.
            crop = int.Parse(timm.Groups[1].Value);
            height = (int)Math.Floor(crop.Value / double.Parse(timm.Groups[2].Value, CultureInfo.InvariantCulture));
        }
        else if (Resizing().Match(text) is { Success: true } resizing)
        {
            height = int.Parse(resizing.Groups[1].Value);
            width = resizing.Groups[2].Success ? int.Parse(resizing.Groups[2].Value) : 0;
        }
        else if (KeyResizing().Match(key) is { Success: true } named)
            (height, crop) = (int.Parse(named.Groups[1].Value), int.Parse(named.Groups[2].Value));
        else if (before is not null)
            (height, width, crop) = (before.Height, before.Width, before.Crop);
        else
            throw new InvalidOperationException($"The pipeline of {key} is of a kind that this test doesn't know: {text}");
        if (Cropping().Match(text) is { Success: true } cropping)
            crop = int.Parse(cropping.Groups[1].Value);

        var (mean, std) = (Normalization.ImageNetMean, Normalization.ImageNetStd);
        if (Normalizing().Match(text) is { Success: true } normalizing && normalizing.Groups[1].Value is var constants
            && !constants.Contains("ImageNet", StringComparison.Ordinal))
        {
            float[] numbers = [.. Number().Matches(constants).Select(m => float.Parse(m.Value, CultureInfo.InvariantCulture))];
            Assert.True(numbers.Length is 2 or 6, $"The constants of {key} are neither two nor six numbers: {constants}");
            (mean, std) = numbers.Length == 2
                ? ([.. Enumerable.Repeat(numbers[0], 3)], [.. Enumerable.Repeat(numbers[1], 3)]) : (numbers[..3], numbers[3..]);
        }
        string[] words = [.. Enum.GetNames<Interpolation>()];
        Interpolation? Named(string where) =>
            words.FirstOrDefault(word => where.Contains(word, StringComparison.OrdinalIgnoreCase)) is { } found
                ? Enum.Parse<Interpolation>(found) : null;
        return new(height, width, crop, Named(text) ?? Named(key) ?? before?.Filter ?? Interpolation.Bicubic,
            !text.Contains("antialias=False", StringComparison.Ordinal) && !key.Contains("noaa", StringComparison.Ordinal), mean, std);
    }

    /// <summary>As steps on 8-bit images. Another shape than a square or the image's own is none that a model takes.</summary>
    public ImageStep[] Steps()
    {
        Assert.True(Width == 0 || Width == Height, $"A resize to {Height} × {Width} is no step of a pipeline.");
        var resize = new Resize(Height) { Square = Width > 0, Interpolation = Filter };
        return Crop is { } crop ? [resize, new CenterCrop(crop)] : [resize];
    }

    /// <summary>Width and height that an image is resized to.</summary>
    public (int Width, int Height) Target(int width, int height) => Width > 0 ? (Width, Height) : new Resize(Height).Target(width, height);

    [GeneratedRegex(@"input_size=(?:\(\d+, ?)?(\d+).*crop_pct=([\d.]+\d)")]
    private static partial Regex Timm();

    [GeneratedRegex(@"[Rr]esize\([\[(]?(\d+)(?:, ?(\d+)[\])])?")]
    private static partial Regex Resizing();

    [GeneratedRegex(@"(?:CenterCrop|center_crop)\([\[(]?(\d+)")]
    private static partial Regex Cropping();

    [GeneratedRegex(@"Normalize\((.+?)\)(?: |$|,)")]
    private static partial Regex Normalizing();

    [GeneratedRegex(@"resize(\d+)_crop(\d+)")]
    private static partial Regex KeyResizing();

    [GeneratedRegex(@"\d*\.?\d+")]
    private static partial Regex Number();
}
