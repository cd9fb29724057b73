using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>The views of an image for test-time augmentation: as it is, then mirrored, then both shifted by a sixteenth of its side in
/// four directions, the border repeated. Pixels are taken, never computed, so that an exported graph has the very same views.</summary>
internal static class ImageViews
{
    private static readonly (int Down, int Right)[] Shifts = [(0, 0), (-1, -1), (1, 1), (-1, 1), (1, -1)];

    /// <summary>How many there are.</summary>
    public static int Most(bool mirrors) => mirrors ? 2 * Shifts.Length : Shifts.Length;

    /// <summary>The rows and columns that a view takes of an image; null for all in their order.</summary>
    /// <param name="view">0 for the image as it is.</param>
    /// <param name="size">Side of the image.</param>
    /// <param name="mirrors">Whether mirrored views are among them.</param>
    public static (long[]? Rows, long[]? Columns) Places(int view, int size, bool mirrors)
    {
        var (down, right) = Shifts[mirrors ? view / 2 : view];
        var mirrored = mirrors && view % 2 == 1;
        long[] Taken(int shift) => [.. Enumerable.Range(0, size).Select(i => (long)Math.Clamp(i + shift * size / 16, 0, size - 1))];
        var columns = right == 0 && !mirrored ? null : Taken(right);
        if (mirrored)
            Array.Reverse(columns!);
        return (down == 0 ? null : Taken(down), columns);
    }

    /// <summary>A view of images [n, C, H, W].</summary>
    public static Tensor Of(Tensor images, int view, bool mirrors)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = Places(view, (int)images.shape[^1], mirrors);
        var seen = images.alias();
        foreach (var (axis, places) in ((long, long[]?)[])[(2, rows), (3, columns)])
            if (places is not null)
                seen = seen.index_select(axis, tensor(places, device: images.device));
        return seen.MoveToOuterDisposeScope();
    }
}
