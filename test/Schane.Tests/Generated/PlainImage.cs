using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>An image in float64, levels from 0 to 255: pixel after pixel, three colours each.</summary>
internal sealed record PlainImage(int Width, int Height, double[] Values)
{
    /// <summary>[H, W, 3], rounded and clamped.</summary>
    public Tensor Bytes() => tensor(Values.Select(v => (byte)Level(v)).ToArray(), [Height, Width, 3]);

    /// <summary>[3, H, W], (level / 255 − mean) / deviation.</summary>
    public Tensor Floats(double[] mean, double[] std) => tensor(Enumerable.Range(0, 3).SelectMany(c => Enumerable.Range(0, Width * Height)
        .Select(i => (float)((Values[3 * i + c] / 255 - mean[c]) / std[c]))).ToArray(), [3, Height, Width]);

    public PlainImage Map(Func<double, int, int, double> change) =>
        this with { Values = [.. Values.Select((v, i) => change(v, i / 3, i % 3))] };

    /// <summary>ITU-R 601.</summary>
    public PlainImage Grey() =>
        Map((_, pixel, _) => 0.299 * Values[3 * pixel] + 0.587 * Values[3 * pixel + 1] + 0.114 * Values[3 * pixel + 2]);

    /// <summary>Each place reads another, which may lie outside.</summary>
    public PlainImage Moved(Func<int, int, (int X, int Y)> from, byte[] fill) => Map((_, pixel, c) =>
    {
        var (x, y) = from(pixel % Width, pixel / Width);
        return x >= 0 && x < Width && y >= 0 && y < Height ? Values[(y * Width + x) * 3 + c] : fill[c];
    });

    public PlainImage Box(int left, int top, int width, int height) =>
        new(width, height, [.. Enumerable.Range(0, width * height * 3)
            .Select(i => Values[((top + i / 3 / width) * Width + left + i / 3 % width) * 3 + i % 3])]);

    public PlainImage Shorter(int size, string filter, bool rounds) =>
        Width <= Height ? Resize(size, size * Height / Width, filter, rounds) : Resize(size * Width / Height, size, filter, rounds);

    /// <summary>Half of what is left over, rounded half to even; zeros where the image is smaller.</summary>
    public static int Offset(int side, int crop) =>
        side < crop ? -((crop - side) / 2) : (int)Math.Round((side - crop) / 2.0, MidpointRounding.ToEven);

    public PlainImage CutOut(int size)
    {
        var (left, top) = (Offset(Width, size), Offset(Height, size));
        return new(size, size, [.. Enumerable.Range(0, size * size * 3).Select(i =>
        {
            var (x, y) = (left + i / 3 % size, top + i / 3 / size);
            return x >= 0 && x < Width && y >= 0 && y < Height ? Values[(y * Width + x) * 3 + i % 3] : 0;
        })]);
    }

    /// <summary>Pillow's way: across, then down, each with a filter that widens when shrinking; rounded to levels after
    /// each where asked for.</summary>
    public PlainImage Resize(int width, int height, string filter, bool rounds)
    {
        var (across, down) = (Weights(Width, width, filter), Weights(Height, height, filter));
        double Kept(double v) => rounds ? Level(v) : v;
        var narrow = new double[width * Height * 3];
        for (var i = 0; i < narrow.Length; i++)
            narrow[i] = Width == width
                ? Values[i] : Kept(across[i / 3 % width].Sum(w => w.Weight * Values[(i / 3 / width * Width + w.At) * 3 + i % 3]));
        var result = new double[width * height * 3];
        for (var i = 0; i < result.Length; i++)
            result[i] = Height == height
                ? narrow[i] : Kept(down[i / 3 / width].Sum(w => w.Weight * narrow[(w.At * width + i / 3 % width) * 3 + i % 3]));
        return new(width, height, result);
    }

    /// <summary>A Gaussian of a square kernel, the border reflected.</summary>
    public PlainImage Blurred(int kernel, double sigma)
    {
        var half = kernel / 2;
        double[] weights = [.. Enumerable.Range(-half, kernel).Select(k => Math.Exp(-k * k / (2 * sigma * sigma)))];
        var all = weights.Sum();
        int Inside(int at, int side) => at < 0 ? -at : at >= side ? 2 * (side - 1) - at : at;
        return Map((_, pixel, c) => Enumerable.Range(0, kernel * kernel).Sum(k => weights[k / kernel] * weights[k % kernel] / all / all
            * Values[(Inside(pixel / Width + k / kernel - half, Height) * Width + Inside(pixel % Width + k % kernel - half, Width)) * 3
                + c]));
    }

    private static double Level(double value) => Math.Clamp(Math.Floor(value + 0.5), 0, 255);

    private static (int At, double Weight)[][] Weights(int from, int to, string filter)
    {
        var scale = (double)from / to;
        var (wide, reach) = (Math.Max(scale, 1), filter == "bilinear" ? 1.0 : 2.0);
        return [.. Enumerable.Range(0, to).Select(place =>
        {
            var centre = (place + 0.5) * scale;
            var (first, end) = (Math.Max((int)(centre - reach * wide + 0.5), 0), Math.Min((int)(centre + reach * wide + 0.5), from));
            (int At, double Weight)[] weights = [.. Enumerable.Range(first, end - first)
                .Select(x => (x, Filter(Math.Abs((x - centre + 0.5) / wide), filter)))];
            var sum = weights.Sum(w => w.Weight);
            return weights.Select(w => (w.At, w.Weight / sum)).ToArray();
        })];
    }

    /// <summary>A triangle, or Keys' cubic with a = −0.5.</summary>
    private static double Filter(double x, string filter) => filter == "bilinear" ? Math.Max(0, 1 - x)
        : x < 1 ? (1.5 * x - 2.5) * x * x + 1
        : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2
        : 0;
}
