using Schane.Data;
using Schane.Data.Transforms;
using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Inference;

// n images, h × w places of the trunk's last map, D its channels.

/// <summary>How much each place of images speaks for a class, at least 0.</summary>
/// <param name="Values">n × h × w.</param>
/// <param name="Height">h.</param>
/// <param name="Width">w.</param>
internal sealed record ActivationMaps(float[] Values, int Height, int Width)
{
    public ReadOnlySpan<float> this[int image] => Values.AsSpan(image * Height * Width, Height * Width);
}

/// <summary>
/// Where in an image a model sees a class: the values of the trunk's last map times the gradient of the class's score in them, summed over
/// the channels, without what speaks against it (HiResCAM, Draelos &amp; Carin 2020, arXiv:2011.08891). Where the mean of the map and a
/// linear head follow, this is Grad-CAM (Selvaraju et al. 2016, arXiv:1610.02391) and sums to the logit less its bias.
/// </summary>
internal static class ClassActivation
{
    /// <param name="model">In evaluation mode; gets no gradients.</param>
    /// <param name="images">[n, C, H, W], normalised.</param>
    /// <param name="score">Of embeddings [n, D] and logits [n, C], the sum over all images of the score to be explained.</param>
    /// <returns>[n, h, w]; null where the trunk does not tell its places.</returns>
    public static Tensor? Of(ImageClassifier model, Tensor images, Func<Tensor, Tensor, Tensor> score)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var (map, tail) = model.Backbone.Split(images);
        if (model.Backbone.Places(map) is null)
            return null;
        map.requires_grad_();
        Tensor gradient;
        using (enable_grad())
        {
            var (embeddings, logits) = model.FromFeatures(tail(map));
            gradient = autograd.grad([score(embeddings, logits)], [map])[0];
        }
        return model.Backbone.Places(map * gradient)!.sum(-1).relu().MoveToOuterDisposeScope();
    }

    /// <summary>The image as the model sees it, in gray, with the places that speak for the class in orange, the strongest as strong
    /// as can be.</summary>
    /// <param name="pixels">channels × size × size, normalised.</param>
    /// <param name="input">How they are normalised.</param>
    /// <param name="maps">Maps.</param>
    /// <param name="image">Which of the maps is that of the pixels.</param>
    public static Image8 Draw(ReadOnlySpan<float> pixels, InputShape input, ActivationMaps maps, int image)
    {
        var size = input.Size;
        var map = maps[image];
        var greatest = 0f;
        foreach (var value in map)
            greatest = Math.Max(greatest, value);
        var drawn = new byte[size * size * 3];
        for (var y = 0; y < size; y++)
            for (var x = 0; x < size; x++)
            {
                var at = y * size + x;
                var gray = 255 * Math.Clamp(Gray(pixels, input, at), 0, 1);
                var heat = greatest > 0 ? Between(map, maps, (y + 0.5f) / size, (x + 0.5f) / size) / greatest : 0;
                drawn[3 * at] = (byte)(gray + (255 - gray) * 0.95f * heat);
                drawn[3 * at + 1] = (byte)(gray + (125 - gray) * 0.6f * heat);
                drawn[3 * at + 2] = (byte)(gray * (1 - 0.9f * heat));
            }
        return new(size, size, 3, drawn);
    }

    /// <summary>Rec. 601, 0 to 1.</summary>
    private static float Gray(ReadOnlySpan<float> pixels, InputShape input, int at)
    {
        var gray = 0f;
        for (var c = 0; c < input.Channels; c++)
            gray += (pixels[c * input.Size * input.Size + at] * input.Std[c] + input.Mean[c])
                * (input.Channels == 1 ? 1 : c switch { 0 => 0.299f, 1 => 0.587f, _ => 0.114f });
        return gray;
    }

    /// <summary>Bilinear between the middles of the places.</summary>
    /// <param name="map">h × w.</param>
    /// <param name="maps">Its sizes.</param>
    /// <param name="y">0 at the upper edge, 1 at the lower.</param>
    /// <param name="x">0 at the left edge, 1 at the right.</param>
    private static float Between(ReadOnlySpan<float> map, ActivationMaps maps, float y, float x)
    {
        var (row, column) = (Math.Clamp(y * maps.Height - 0.5f, 0, maps.Height - 1), Math.Clamp(x * maps.Width - 0.5f, 0, maps.Width - 1));
        var (top, left) = ((int)row, (int)column);
        var (bottom, right) = (Math.Min(top + 1, maps.Height - 1), Math.Min(left + 1, maps.Width - 1));
        var (down, along) = (row - top, column - left);
        return (1 - down) * ((1 - along) * map[top * maps.Width + left] + along * map[top * maps.Width + right])
            + down * ((1 - along) * map[bottom * maps.Width + left] + along * map[bottom * maps.Width + right]);
    }
}
