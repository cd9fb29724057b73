using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Tests.Support;

/// <summary>Values that do not matter.</summary>
internal static class Some
{
    /// <summary>[rows, width] standard normal numbers of a seed.</summary>
    public static Tensor Rows(long rows, long width, long seed = 1, ScalarType dtype = ScalarType.Float64)
    {
        var random = new SampleRandom(seed, rows, width);
        var values = new double[rows * width];
        for (var i = 0; i < values.Length; i++)
            values[i] = random.Normal();
        return tensor(values, [rows, width]).to_type(dtype);
    }

    /// <summary>Rows around a direction of their label, so that positives are near.</summary>
    public static Tensor Clusters(long[] labels, long width, double spread, long seed = 1, ScalarType dtype = ScalarType.Float64)
    {
        var centres = nn.functional.normalize(Rows(labels.Max() + 1, width, seed));
        return (centres.index(tensor(labels)) + Rows(labels.Length, width, seed + 1) * spread).to_type(dtype);
    }

    /// <summary>Labels drawn evenly from <paramref name="classes"/>.</summary>
    public static long[] Labels(long rows, int classes, long seed = 1)
    {
        var random = new SampleRandom(seed, rows, classes);
        var labels = new long[rows];
        for (var i = 0; i < rows; i++)
            labels[i] = random.Below(classes);
        return labels;
    }

    /// <summary>[rows, classes] mixtures of two classes a row.</summary>
    public static Tensor Mixtures(long rows, int classes, long seed = 1)
    {
        var random = new SampleRandom(seed, rows, classes, 7);
        var shares = new double[rows * classes];
        for (var i = 0; i < rows; i++)
        {
            var share = random.NextDouble();
            shares[i * classes + random.Below(classes)] += share;
            shares[i * classes + random.Below(classes)] += 1 - share;
        }
        return tensor(shares, [rows, classes]);
    }
}
