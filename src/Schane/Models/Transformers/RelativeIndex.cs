using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>Which row of a relative position table each pair of tokens of a square window reads.</summary>
internal static class RelativeIndex
{
    /// <summary>Rows (Δy + side − 1)(2 side − 1) + Δx + side − 1 for query and key one after another; with a class token, three rows after
    /// them: class to patch, patch to class, class to class.</summary>
    /// <returns>[tokens · tokens], int64, tokens = side² (+ 1).</returns>
    public static Tensor Of(int side, bool classToken)
    {
        var (first, width) = (classToken ? 1 : 0, 2 * side - 1);
        var tokens = side * side + first;
        var rows = new long[tokens * tokens];
        for (var q = 0; q < tokens; q++)
            for (var k = 0; k < tokens; k++)
                rows[q * tokens + k] = (q >= first, k >= first) switch
                {
                    (true, true) =>
                        ((q - first) / side - (k - first) / side + side - 1) * width + (q - first) % side - (k - first) % side + side - 1,
                    (false, true) => width * width,
                    (true, false) => width * width + 1,
                    _ => width * width + 2,
                };
        return tensor(rows);
    }

    /// <summary>Rows of a table [rows, heads] by index [tokens²] → bias [1, heads, tokens, tokens].</summary>
    public static Tensor Bias(Tensor table, Tensor index)
    {
        using var scope = NewDisposeScope();
        var tokens = (long)Math.Round(Math.Sqrt(index.shape[0]));
        return table.index_select(0, index.to(table.device)).view(tokens, tokens, -1).permute(2, 0, 1).unsqueeze(0)
            .contiguous().MoveToOuterDisposeScope();
    }
}
