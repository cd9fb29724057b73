using Schane.Tensors;

namespace Schane.Data;

/// <summary>Turns a decoded image into the model's input: augmentation, resizing, normalisation. Thread-safe.</summary>
internal interface IImageTransform
{
    /// <summary>Shape of the output: channels (1 or 3), height, width.</summary>
    (int Channels, int Height, int Width) Output { get; }

    /// <summary>Writes one view of the image.</summary>
    /// <param name="image">Any size, gray or RGB; gray is repeated and RGB turned to luma as <see cref="Output"/> asks.</param>
    /// <param name="random">Numbers of this (seed, epoch, index, view).</param>
    /// <param name="destination">Channels × height × width floats, normalised.</param>
    void Apply(Image8 image, ref SampleRandom random, Span<float> destination);
}
