using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>Cuts a square of <see cref="Size"/> pixels out of the middle, on black where the image is smaller
/// (torchvision's <c>CenterCrop</c>).</summary>
public sealed record CenterCrop(int Size) : ImageStep
{
    /// <summary>Where the square begins, to the left and above; negative where the image is smaller.</summary>
    internal (int Left, int Top) Offset(int width, int height)
    {
        // torchvision pads first, (crop − size) / 2 rounded down before the image, then cuts at half the excess, rounded half to even.
        static int One(int size, int crop) =>
            size < crop ? -((crop - size) / 2) : (int)Math.Round((size - crop) / 2.0, MidpointRounding.ToEven);
        return (One(width, Size), One(height, Size));
    }

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        if (canvas.Width == Size && canvas.Height == Size)
            return;
        var (left, top) = Offset(canvas.Width, canvas.Height);
        var c = canvas.Channels;
        var source = canvas.Pixels;
        var drawn = canvas.Draw(Size, Size, c);
        drawn.Clear();
        var (fromX, toX) = (Math.Max(left, 0), Math.Min(left + Size, canvas.Width));
        for (var y = Math.Max(top, 0); y < Math.Min(top + Size, canvas.Height); y++)
            source[((y * canvas.Width + fromX) * c)..((y * canvas.Width + toX) * c)]
                .CopyTo(drawn[(((y - top) * Size + fromX - left) * c)..]);
        canvas.Turn(Size, Size, c);
    }

    internal override (int Width, int Height)? SizeAfter((int Width, int Height)? before) => (Size, Size);
}
