namespace Schane.Inference;

/// <summary>An image as a model takes it: decoded, resized, normalised.</summary>
/// <param name="Name">Its name in answers and messages.</param>
/// <param name="Pixels">channels × size × size.</param>
public sealed record PreparedImage(string Name, float[] Pixels)
{
    /// <summary>The pixels of all, one image after the other.</summary>
    internal static float[] Join(IReadOnlyList<PreparedImage> images)
    {
        var size = images[0].Pixels.Length;
        if (images.Count == 1)
            return images[0].Pixels;
        var pixels = new float[images.Count * size];
        for (var i = 0; i < images.Count; i++)
            images[i].Pixels.CopyTo(pixels, i * size);
        return pixels;
    }
}
