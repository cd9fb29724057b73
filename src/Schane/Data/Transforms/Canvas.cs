using Schane.Data.Reading;

namespace Schane.Data.Transforms;

/// <summary>
/// The image while steps change it: 8-bit samples, height × width × channels, in two buffers of one thread that grow and are used again,
/// so that a transform allocates nothing. Starts as a borrowed view of a decoded image, which no step may write to.
/// </summary>
internal sealed class Canvas
{
    private byte[] front = [], back = [];
    private byte[]? borrowed;

    public int Width { get; private set; }

    public int Height { get; private set; }

    public int Channels { get; private set; }

    public int Length => Width * Height * Channels;

    /// <summary>The samples to read.</summary>
    public ReadOnlySpan<byte> Pixels => (borrowed ?? front).AsSpan(0, Length);

    public void Load(Image8 image)
    {
        (Width, Height, Channels) = (image.Width, image.Height, image.Channels);
        borrowed = image.Pixels;
    }

    /// <summary>The samples to change in place.</summary>
    public Span<byte> Own()
    {
        if (borrowed is not null)
        {
            Pixels.CopyTo(Draw(Width, Height, Channels));
            Turn(Width, Height, Channels);
        }
        return front.AsSpan(0, Length);
    }

    /// <summary>Room for the next image of the given size; <see cref="Turn"/> makes it the current one.</summary>
    public Span<byte> Draw(int width, int height, int channels)
    {
        var length = width * height * channels;
        if (back.Length < length)
            back = GC.AllocateUninitializedArray<byte>(length);
        return back.AsSpan(0, length);
    }

    /// <summary>Takes what was drawn.</summary>
    public void Turn(int width, int height, int channels)
    {
        (Width, Height, Channels) = (width, height, channels);
        (front, back) = (back, front);
        borrowed = null;
    }

    /// <summary>Turns RGB to luma or repeats gray.</summary>
    public void ToChannels(int channels)
    {
        if (Channels == channels)
            return;
        if (channels == 1)
            PixelRows.Luma(Pixels, Draw(Width, Height, 1));
        else
            PixelRows.Spread(Pixels, Draw(Width, Height, 3));
        Turn(Width, Height, channels);
    }

    public Image8 ToImage() => new(Width, Height, Channels, Pixels.ToArray());
}
