using System.Numerics.Tensors;
using Schane.Data.Transforms;

namespace Schane.Data.Reading;

/// <summary>
/// What is kept of an image to tell whether another is nearly the same: 32 × 32 gray levels, 16 × 16 coarse colours, and its lowest
/// spatial frequencies (DCT-II, without the mean) as it is and with a little of each side cut off. About 2 KB.
/// </summary>
internal sealed class Fingerprint
{
    /// <summary>Width and height of <see cref="Gray"/>.</summary>
    public const int Side = 32;

    /// <summary>Width and height of <see cref="Colour"/>.</summary>
    public const int ColourSide = 16;

    /// <summary>Frequencies that are kept: those whose numbers across and down add up to at most 6.</summary>
    public const int Frequencies = 27;

    private const int Middle = 128, MostFrequency = 6;

    /// <summary>Level from which a channel may have been cut off; lossy formats leave a little below 255.</summary>
    private const byte Brightest = 252;

    /// <summary>Standard deviation of gray levels below which an image shows nothing by which it could be told.</summary>
    private const double LeastContrast = 4;

    /// <summary>Pixels of 128 that are cut off each side.</summary>
    private static readonly int[] Cuts = [0, 4, 8];

    private static readonly float[] Waves = [.. Enumerable.Range(0, MostFrequency + 1)
        .SelectMany(k => Enumerable.Range(0, Side).Select(i => (float)Math.Cos(Math.PI * k * (2 * i + 1) / (2 * Side))))];

    private readonly float[][] frequencies = new float[Cuts.Length][];

    private Fingerprint(byte[] gray, byte[] colour) => (Gray, Colour) = (gray, colour);

    /// <summary>Gray levels, row by row.</summary>
    public byte[] Gray { get; }

    /// <summary>Red minus green, then blue minus green, of the image with its mean brought to 128; 128 is no difference. Then the
    /// share, of 255, of pixels with a channel that is as bright as it can be, which hides what their colour was.</summary>
    public byte[] Colour { get; }

    /// <summary>How many ways of cutting there are; the first cuts nothing off.</summary>
    public static int Ways => Cuts.Length;

    /// <summary>The lowest frequencies of one way of cutting, lower ones first, each times the root of its number so that the lowest don't
    /// decide alone, together of length 1.</summary>
    public ReadOnlySpan<float> Of(int way) => frequencies[way];

    /// <summary>The fingerprint of an image; null of one without structure, for all plain images look alike.</summary>
    public static Fingerprint? Of(Image8 image)
    {
        Span<byte> middle = stackalloc byte[Middle * Middle];
        var gray = PixelRows.WithChannels(image, 1);
        Resampler.Resize(gray.Pixels, gray.Width, gray.Width, gray.Height, 1, Interpolation.Box, middle, Middle, Middle);
        var found = new Fingerprint(new byte[Side * Side], ColoursOf(image));
        Span<byte> cut = stackalloc byte[Side * Side];
        for (var way = 0; way < Cuts.Length; way++)
        {
            var (at, side) = (Cuts[way], Middle - 2 * Cuts[way]);
            Resampler.Resize(middle[(at * Middle + at)..], Middle, side, side, 1, Interpolation.Box, cut, Side, Side);
            if (way == 0)
                cut.CopyTo(found.Gray);
            found.frequencies[way] = FrequenciesOf(cut);
        }
        var mean = found.Gray.Average(v => v);
        return found.Gray.Average(v => (v - mean) * (v - mean)) < LeastContrast * LeastContrast ? null : found;
    }

    private static float[] FrequenciesOf(ReadOnlySpan<byte> gray)
    {
        Span<float> across = stackalloc float[(MostFrequency + 1) * Side], row = stackalloc float[Side];
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
                row[x] = gray[y * Side + x];
            for (var k = 0; k <= MostFrequency; k++)
                across[k * Side + y] = TensorPrimitives.Dot<float>(row, Waves.AsSpan(k * Side, Side));
        }
        var found = new float[Frequencies];
        var next = 0;
        for (var sum = 1; sum <= MostFrequency; sum++)
            for (var down = 0; down <= sum; down++)
                found[next++] = MathF.Sqrt(sum)
                    * TensorPrimitives.Dot<float>(across.Slice((sum - down) * Side, Side), Waves.AsSpan(down * Side, Side));
        TensorPrimitives.Divide(found, TensorPrimitives.Norm<float>(found) + 1e-6f, found);
        return found;
    }

    private static byte[] ColoursOf(Image8 image)
    {
        const int n = ColourSide * ColourSide;
        var colour = new byte[3 * n];
        colour.AsSpan(0, 2 * n).Fill(128);
        if (image.Channels == 1)
            return colour;
        Span<byte> small = stackalloc byte[3 * n];
        Resampler.Resize(image.Pixels, image.Width * 3, image.Width, image.Height, 3, Interpolation.Box, small, ColourSide, ColourSide);
        var sum = 0;
        foreach (var level in small)
            sum += level;
        var gain = 128f / ((float)sum / small.Length + 8);
        for (var i = 0; i < n; i++)
            for (var plane = 0; plane < 2; plane++)
                colour[plane * n + i] = (byte)Math.Clamp(128 + gain * (small[3 * i + 2 * plane] - small[3 * i + 1]), 0, 255);
        var bright = new byte[image.Width * image.Height];
        for (var i = 0; i < bright.Length; i++)
            bright[i] = image.Pixels.AsSpan(3 * i, 3).ContainsAnyInRange(Brightest, byte.MaxValue) ? byte.MaxValue : (byte)0;
        Resampler.Resize(bright, image.Width, image.Width, image.Height, 1, Interpolation.Box, colour.AsSpan(2 * n), ColourSide,
            ColourSide);
        return colour;
    }
}
