using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>Position embeddings and relative position tables made to fit another input size.</summary>
internal static class Positions
{
    /// <summary>Bicubic resampling of square position embeddings (timm's <c>resample_abs_pos_embed</c>).</summary>
    /// <param name="value">[1, prefix + h·h, D].</param>
    /// <param name="wanted">[1, prefix + H·H, D].</param>
    /// <param name="prefix">Rows before the grid, kept as they are.</param>
    /// <param name="antialias">Whether to widen the filter when shrinking: timm does, unilm doesn't.</param>
    /// <returns>Null if the shapes are not those.</returns>
    public static Tensor? Fit(Tensor value, long[] wanted, int prefix, bool antialias = true)
    {
        if (value.dim() != 3 || wanted.Length != 3 || value.shape[0] != 1 || value.shape[2] != wanted[2])
            return null;
        var (from, to) = (Side(value.shape[1] - prefix), Side(wanted[1] - prefix));
        return from is null || to is null ? null : Resample(value, (from.Value, from.Value), (to.Value, to.Value), prefix, antialias);
    }

    /// <summary>The same for any grids: [1, prefix + from, D] → [1, prefix + to, D], float32 in between.</summary>
    public static Tensor Resample(Tensor value, (long Height, long Width) from, (long Height, long Width) to, int prefix, bool antialias)
    {
        if (from == to)
            return value.alias();
        using var scope = NewDisposeScope();
        var grid = value.narrow(1, prefix, from.Height * from.Width).to(ScalarType.Float32)
            .reshape(1, from.Height, from.Width, -1).permute(0, 3, 1, 2);
        var resized = nn.functional.interpolate(grid, [to.Height, to.Width], mode: InterpolationMode.Bicubic,
            align_corners: false, antialias: antialias)
            .permute(0, 2, 3, 1).reshape(1, to.Height * to.Width, -1).to(value.dtype);
        return (prefix == 0 ? resized : cat([value.narrow(1, 0, prefix), resized], 1)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Relative position tables of a larger or smaller square window (BEiT's rule, as timm computes it without SciPy): the given offsets
    /// are spread as a geometric progression over the wanted ones, near offsets staying near, and read bilinearly.
    /// </summary>
    /// <param name="value">[(2w − 1)² + extra, heads].</param>
    /// <param name="wanted">[(2W − 1)² + extra, heads].</param>
    /// <param name="extra">Rows after the table, for the class token, kept as they are.</param>
    /// <returns>Null if the shapes are not those.</returns>
    public static Tensor? FitRelative(Tensor value, long[] wanted, int extra)
    {
        if (value.dim() != 2 || wanted.Length != 2 || value.shape[1] != wanted[1])
            return null;
        if (Side(value.shape[0] - extra) is not { } from || Side(wanted[0] - extra) is not { } to || from % 2 == 0 || to % 2 == 0)
            return null;
        using var scope = NewDisposeScope();
        using var weights = RelativeWeights((int)from, (int)to);          // [to, from]
        var table = value.narrow(0, 0, from * from).to(ScalarType.Float32).view(from, from, -1);
        var rows = einsum("yi,ijh->yjh", weights, table);
        var resized = einsum("xj,yjh->yxh", weights, rows).reshape(to * to, -1).to(value.dtype);
        return (extra == 0 ? resized : cat([resized, value.narrow(0, from * from, extra)], 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Linear interpolation from geometric offsets to whole ones, as a matrix [to, from]; beyond the ends
    /// the end value holds.</summary>
    private static Tensor RelativeWeights(int from, int to)
    {
        var known = GeometricOffsets(from, to);
        var weights = new float[to, from];
        for (var t = 0; t < to; t++)
        {
            double at = t - to / 2;
            var right = Array.FindIndex(known, k => k >= at);
            if (right <= 0)
                weights[t, right < 0 ? from - 1 : 0] = 1;
            else
            {
                var share = (at - known[right - 1]) / (known[right] - known[right - 1]);
                (weights[t, right - 1], weights[t, right]) = ((float)(1 - share), (float)share);
            }
        }
        return tensor(weights);
    }

    /// <summary>Offsets 0, ±1, ±(1 + q), ±(1 + q + q²), … whose last reaches to / 2, q found by bisection in [1.01, 1.5].</summary>
    private static double[] GeometricOffsets(int from, int to)
    {
        double low = 1.01, high = 1.5, q = 0;
        while (high - low > 1e-6)
        {
            q = (low + high) / 2;
            if ((1 - Math.Pow(q, from / 2)) / (1 - q) > to / 2)
                high = q;
            else
                low = q;
        }
        var offsets = new double[from];
        double step = 1, reach = 0;
        for (var i = 1; i <= from / 2; i++)
        {
            reach += step;
            step *= q;
            (offsets[from / 2 + i], offsets[from / 2 - i]) = ((float)reach, (float)-reach);
        }
        return offsets;
    }

    private static long? Side(long area)
    {
        var side = area <= 0 ? 0 : (long)Math.Round(Math.Sqrt(area));
        return side > 0 && side * side == area ? side : null;
    }
}
