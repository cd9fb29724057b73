using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>One step of an <see cref="ImagePipeline"/>; a record, so it prints its own settings. Steps draw
/// their numbers in order. One of your own is a <see cref="PixelStep"/>.</summary>
public abstract record ImageStep
{
    private protected ImageStep() { }

    internal abstract void Apply(Canvas canvas, ref SampleRandom random);

    /// <summary>Size after the step, given the size before it; null where it depends on the image.</summary>
    internal virtual (int Width, int Height)? SizeAfter((int Width, int Height)? before) => before;
}
