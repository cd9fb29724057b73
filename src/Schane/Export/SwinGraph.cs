using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Schane.Models.Transformers;

namespace Schane.Export;

/// <summary>
/// The graph of a <see cref="SwinTransformer"/>. Shifting, padding and cutting into windows only move tokens, so they are one look-up of
/// rows that are known when the graph is written; a row past the last reads a token of zeros.
/// </summary>
internal static class SwinGraph
{
    public static Trunk Build(OnnxGraph graph, SwinTransformer model, string images)
    {
        var shape = model.Shape;
        var (side, width) = (model.Info.InputSize / shape.Patch, (long)shape.Width);
        var x = graph.Reshape(graph.Conv(images, "patch_embed.proj", shape.Patch), -1, width, side * side);
        x = graph.LayerNormalization(graph.Reshape(graph.Transpose(x, 0, 2, 1), -1, width), "patch_embed.norm", shape.Eps);
        for (var s = 0; s < shape.Depths.Length; s++)
        {
            if (s > 0)
            {
                x = graph.Reshape(Look(graph, x, side * side, width, Neighbours(side)), -1, 4 * width);
                x = graph.Linear(graph.LayerNormalization(x, $"layers.{s}.downsample.norm", shape.Eps), $"layers.{s}.downsample.reduction");
                (side, width) = ((side + 1) / 2, 2 * width);
            }
            for (var b = 0; b < shape.Depths[s]; b++)
                x = Block(graph, x, shape, $"layers.{s}.blocks.{b}", new(side, shape.Window, shifted: b % 2 == 1), width, shape.Heads[s]);
        }
        x = graph.LayerNormalization(x, "norm", shape.Eps);
        return new(graph.Mean(graph.Reshape(x, -1, side * side, width), 1));
    }

    private static string Block(OnnxGraph graph, string x, SwinShape shape, string name, Windows windows, long width, int heads)
    {
        var tokens = windows.Side * windows.Side;
        var area = windows.Window * windows.Window;
        var mixed = Look(graph, graph.LayerNormalization(x, $"{name}.norm1", shape.Eps), tokens, width, windows.Rows());
        mixed = graph.QueryKeyValue(mixed, $"{name}.attn.qkv", width, heads);

        long? apart = windows.Shift > 0 ? windows.Count * windows.Count : null;
        var bias = graph.Weight($"{name}.attn.relative_position_bias_table", [apart ?? 1, heads, area, area], () =>
        {
            var positions = RelativeIndex.Bias(graph.State($"{name}.attn.relative_position_bias_table"),
                RelativeIndex.Of(windows.Window, classToken: false));
            return apart is null ? positions : positions + WindowAttention.Apart(windows.Padded, windows.Window, windows.Shift);
        });
        mixed = graph.Linear(graph.Attention(mixed, area, width, heads, bias, apart), $"{name}.attn.proj");
        x = graph.Add(x, Look(graph, mixed, windows.Padded * windows.Padded, width, windows.Back()));
        return graph.Add(x, graph.Mlp(graph.LayerNormalization(x, $"{name}.norm2", shape.Eps), $"{name}.mlp"));
    }

    /// <summary>Rows of each image's tokens in another order, some of them perhaps not and zeros for what is past
    /// the end: flat to flat.</summary>
    private static string Look(OnnxGraph graph, string x, long tokens, long width, long[] rows)
    {
        if (rows.Length == tokens && !rows.Where((row, at) => row != at).Any())
            return x;
        x = graph.Reshape(x, -1, tokens, width);
        if (rows.Contains(tokens))
            x = graph.Pad(x, 0, 1);
        var hash = SHA256.HashData(MemoryMarshal.AsBytes(rows.AsSpan()));
        return graph.Reshape(graph.Gather(x, graph.Numbers($"rows {Convert.ToHexStringLower(hash.AsSpan(0, 6))}", rows), 1), -1, width);
    }

    /// <summary>The four tokens that patch merging puts side by side, (y, x) = (0,0), (1,0), (0,1), (1,1), for each
    /// place of the smaller map.</summary>
    private static long[] Neighbours(int side)
    {
        var half = (side + 1) / 2;
        return [.. from y in Enumerable.Range(0, half)
                   from x in Enumerable.Range(0, half)
                   from dx in Enumerable.Range(0, 2)
                   from dy in Enumerable.Range(0, 2)
                   select 2 * y + dy < side && 2 * x + dx < side ? (2L * y + dy) * side + 2 * x + dx : (long)side * side];
    }

    /// <summary>How a block cuts its map into windows; see <see cref="SwinBlock"/>.</summary>
    private sealed class Windows(int side, int window, bool shifted)
    {
        public int Side => side;

        public int Window { get; } = Math.Min(window, side);

        public int Shift { get; } = shifted && side > window ? window / 2 : 0;

        public int Count => (side + Window - 1) / Window;

        public int Padded => Count * Window;

        /// <summary>The token at each place of the windows, one window after another; side² for padding.</summary>
        public long[] Rows()
        {
            var rows = new long[Padded * Padded];
            for (var y = 0; y < Padded; y++)
                for (var x = 0; x < Padded; x++)
                    rows[Place(y, x)] = y < side && x < side ? (y + Shift) % side * side + (x + Shift) % side : side * side;
            return rows;
        }

        /// <summary>The place in the windows of each token.</summary>
        public long[] Back()
        {
            var rows = new long[side * side];
            for (var y = 0; y < side; y++)
                for (var x = 0; x < side; x++)
                    rows[(y + Shift) % side * side + (x + Shift) % side] = Place(y, x);
            return rows;
        }

        private long Place(int y, int x) => (y / Window * Count + x / Window) * Window * Window + y % Window * Window + x % Window;
    }
}
