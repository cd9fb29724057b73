using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>A step of one's own, as a record: its properties print with the pipeline. Called by several threads at once.</summary>
public abstract record PixelStep : ImageStep
{
    /// <summary>Changes an image.</summary>
    /// <param name="image">8-bit samples, of 1 channel for a gray model and else of 1 or 3; not to be written to.</param>
    /// <param name="random">Numbers of this image in this epoch: the only source of chance, so that the same run comes again.</param>
    /// <returns>An image of the same size and channels; may be the same one.</returns>
    protected abstract Image8 Apply(Image8 image, ref SampleRandom random);

    internal sealed override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var image = canvas.ToImage();
        var changed = Apply(image, ref random);
        if ((changed.Width, changed.Height, changed.Channels, changed.Pixels.Length)
            != (image.Width, image.Height, image.Channels, image.Pixels.Length))
            throw new SchaneException($"The step {GetType().Name} must give an image of {image.Width} × {image.Height} with " +
                $"{image.Channels} channels but gives {changed.Width} × {changed.Height} with {changed.Channels} in " +
                $"{changed.Pixels.Length} bytes.");
        canvas.Load(changed);
    }
}
