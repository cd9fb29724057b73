using Schane.Products;

namespace Schane.Losses.Tiled;

/// <summary>
/// The matrix products of a tile (its cosines, and what its slopes add to the gradients of its rows and columns) in one precision, with the
/// copies of the unit rows they read and the gradients of all rows they write (<see cref="TilePlan.Gradients"/>). Threads call it at the
/// same time, each for its own rows or strips.
/// </summary>
internal abstract unsafe class TileProducts : IDisposable
{
    /// <summary>Rows and columns are copied in panels of so many; rows given and taken are padded to it.</summary>
    public const int Panel = MatrixKernel.PanelWidth;

    /// <summary>Bytes of all buffers.</summary>
    public abstract long Bytes { get; }

    /// <summary>Makes room, before anything else of a step.</summary>
    /// <param name="plan">Blocks.</param>
    /// <param name="width">Coordinates.</param>
    /// <param name="fine">Whether fine cosines will be asked for.</param>
    public abstract void Reserve(TilePlan plan, int width, bool fine);

    /// <summary>Copies a unit row, given with zeros up to a multiple of <see cref="Panel"/>.</summary>
    public abstract void Put(int row, float* unit);

    /// <summary>Once all rows are put: makes the other copies of some rows, from a multiple of <see cref="Panel"/> to another or to the
    /// last row, and clears the gradient of the thread's number, if there is one.</summary>
    public abstract void Arrange(int thread, int from, int to);

    /// <summary>Tile (i, j): rows of <see cref="TilePlan.Block"/> floats. Fine ones are of single precision whatever the factors.</summary>
    public abstract void Cosines(int i, int j, float* to, bool fine);

    /// <summary>Opens and ends the strip of block i.</summary>
    public abstract void Begin(int thread, int i);
    public abstract void End(int thread, int i);

    /// <summary>dU(i) += T·U(j), and off the diagonal dU(j) += Tᵀ·U(i), for a tile T of slopes.</summary>
    /// <param name="thread">Whose tile.</param>
    /// <param name="i">Block of the rows.</param>
    /// <param name="j">Block of the columns.</param>
    /// <param name="slopes">T.</param>
    /// <param name="pure">Whether the tile is negatives alone: none of the slopes outweighs the others by far.</param>
    public abstract void Gradient(int thread, int i, int j, float* slopes, bool pure);

    /// <summary>A thread is done with its products for now.</summary>
    public abstract void Leave();

    /// <summary>The gradient of a row, summed over all gradients.</summary>
    /// <param name="row">Row.</param>
    /// <param name="scratch">Room for a row; the result may stand there or elsewhere.</param>
    public abstract float* Total(int row, float* scratch);

    public abstract void Dispose();

    /// <summary><paramref name="value"/> up to a multiple of <see cref="Panel"/>.</summary>
    public static int Padded(int value) => (value + Panel - 1) / Panel * Panel;
}
