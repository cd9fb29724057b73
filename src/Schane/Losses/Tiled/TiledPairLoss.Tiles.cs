using Schane.Products;

namespace Schane.Losses.Tiled;

/// <content>The phases that go by tiles.</content>
internal sealed unsafe partial class TiledPairLoss
{
    private void Sum(int t)
    {
        var passes = TilePasses.For(lanes, formula.Beta);
        var worker = workers[t];
        foreach (var i in plan!.StripsOf(t))
        {
            foreach (var j in plan.ColumnsOf(t, i))
            {
                var job = Job(worker, i, j);
                var pure = Pure(i, j);
                products.Cosines(i, j, job.Cosines, fine && !pure);
                if (pure)
                    passes.SumNegatives(&job);
                else
                    passes.SumAny(&job);
            }
        }
        products.Leave();
    }

    private void Slope(int t)
    {
        var passes = TilePasses.For(lanes, formula.Beta);
        var worker = workers[t];
        foreach (var i in plan!.StripsOf(t))
        {
            var columns = plan.ColumnsOf(t, i);
            if (columns.IsEmpty)
                continue;
            products.Begin(t, i);
            foreach (var j in columns)
            {
                var job = Job(worker, i, j);
                var pure = Pure(i, j);
                if (!cached)
                    products.Cosines(i, j, job.Cosines, fine && !pure);
                Locate(&job, i, j);
                if (pure)
                    passes.SlopeNegatives(&job);
                else
                    passes.SlopeAny(&job);
                products.Gradient(t, i, j, job.Cosines, pure);
            }
            products.End(t, i);
        }
        products.Leave();
    }

    private TileJob Job(Worker worker, int i, int j)
    {
        var (block, tile) = (plan!.Block, plan.FirstTile[i] + j - i);
        var (row, column) = (i * block, j * block);
        var alive = worker.Scratch.Pointer + 6 * block;
        var columns = plan.RowsOf(j);
        new Span<float>(alive, columns).Fill(1);
        new Span<float>(alive + columns, block - columns).Clear();
        float* mixed = null;
        if (mixedClasses > 0)
        {
            mixed = worker.Shares.Pointer;
            MatrixKernel.Multiply(shares.Pointer + (long)row * mixedClasses, mixedClasses, 1,
                sharesTransposed.Pointer + (long)column * mixedClasses, (nint)mixedClasses * MatrixKernel.PanelWidth,
                mixed, block, plan.RowsOf(i), columns, mixedClasses, add: false, lanes);
        }
        return new TileJob
        {
            Cosines = cached ? cache.Pointer + (long)tile * block * block : worker.Tile.Pointer,
            Width = block,
            Rows = plan.RowsOf(i),
            Columns = columns,
            Tile = tile,
            Diagonal = i == j,
            Scale = scale,
            RowLabels = classes.Pointer + row,
            ColumnLabels = classes.Pointer + column,
            Shares = mixed,
            Alive = alive,
            RowSums = worker.Sums.Pointer + row,
            ColumnSums = i == j ? null : worker.Sums.Pointer + column,
            Scratch = worker.Scratch.Pointer,
            RowSlopes = SlopesAt(row),
            ColumnSlopes = SlopesAt(column),
        };
    }

    // No label in common, and no ragged columns.
    private bool Pure(int i, int j)
    {
        if (mixedClasses > 0 || i == j || plan!.RowsOf(j) % lanes != 0)
            return false;
        var (rowsFrom, columnsFrom) = (i * plan.Block, j * plan.Block);
        var (rowsTo, columnsTo) = (rowsFrom + plan.RowsOf(i) - 1, columnsFrom + plan.RowsOf(j) - 1);
        var ids = classes.Pointer;
        // A block across the border between anchors and other rows is sorted in two pieces.
        if ((rowsFrom < anchors && rowsTo >= anchors) || (columnsFrom < anchors && columnsTo >= anchors))
            return false;
        return ids[rowsTo] < ids[columnsFrom] || ids[columnsTo] < ids[rowsFrom];
    }

    // The row of the hardest negative: where the largest cosine of the way forward stands, before the tile is overwritten.
    private void Locate(TileJob* job, int i, int j)
    {
        if (watched is not { } watch)
            return;
        var (row, column) = (i * plan!.Block, j * plan.Block);
        var sums = workers[0].Sums.Pointer;
        for (var r = 0; r < job->Rows && row + r < anchors; r++)
        {
            if (sums[row + r].Tile != job->Tile)
                continue;
            var line = new ReadOnlySpan<float>(job->Cosines + (nint)r * job->Width, job->Columns);
            for (var c = line.IndexOf(sums[row + r].Largest); c >= 0; c = Next(line, c, sums[row + r].Largest))
            {
                if (!Negative(job, r, c))
                    continue;
                watch.HardestNegative[order.Pointer[row + r] - (int)watch.First] = order.Pointer[column + c];
                break;
            }
        }
        for (var c = 0; i != j && c < job->Columns && column + c < anchors; c++)
        {
            if (sums[column + c].Tile != job->Tile)
                continue;
            for (var r = 0; r < job->Rows; r++)
            {
                if (job->Cosines[(nint)r * job->Width + c] != sums[column + c].Largest || !Negative(job, r, c))
                    continue;
                watch.HardestNegative[order.Pointer[column + c] - (int)watch.First] = order.Pointer[row + r];
                break;
            }
        }
    }

    private static int Next(ReadOnlySpan<float> line, int after, float value) =>
        line[(after + 1)..].IndexOf(value) is >= 0 and var at ? after + 1 + at : -1;

    private static bool Negative(TileJob* job, int r, int c) =>
        !(job->Diagonal && r == c)
            && (job->Shares == null ? job->RowLabels[r] != job->ColumnLabels[c] : 1 - job->Shares[(nint)r * job->Width + c] > 0.5f);
}
