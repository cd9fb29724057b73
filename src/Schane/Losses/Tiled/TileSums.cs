using System.Runtime.CompilerServices;

namespace Schane.Losses.Tiled;

/// <summary>The way forward: adds what the rows and columns of one tile saw to their sums.</summary>
internal static unsafe class TileSums<L, T, H> where L : struct, ILanes<T> where T : struct where H : struct, IHardness
{
    /// <summary>A tile of negatives alone, without ragged columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Negatives(TileJob* job)
    {
        var width = job->Width;
        var (norms, hards, entropies, largests) = (new Line(job->Scratch), new Line(job->Scratch + width),
            new Line(job->Scratch + 2 * width), new Line(job->Scratch + 5 * width));
        Clear(job);
        var (slope, shift, beta) = (L.Set(job->Scale.Slope), L.Set(job->Scale.Shift), L.Set(job->Scale.Beta));
        for (var i = 0; i < job->Rows; i++)
        {
            var cosines = job->Cosines + (nint)i * width;
            var (norm, hard, entropy, largest) = (L.Set(0), L.Set(0), L.Set(0), L.Set(-2));
            for (var j = 0; j < job->Columns; j += L.Count)
            {
                var cosine = L.Load(cosines + j);
                var power = L.MultiplyAdd(cosine, slope, shift);
                var e = L.Exp2(power);
                if (H.Uniform)
                {
                    hard = L.Add(hard, e);
                    L.Store(L.Add(L.Load(hards.At + j), e), hards.At + j);
                }
                else
                {
                    var w = H.Of<L, T>(e, power, beta);
                    norm = L.Add(norm, w);
                    hard = L.MultiplyAdd(w, e, hard);
                    entropy = L.MultiplyAdd(w, cosine, entropy);
                    L.Store(L.Add(L.Load(norms.At + j), w), norms.At + j);
                    L.Store(L.MultiplyAdd(w, e, L.Load(hards.At + j)), hards.At + j);
                    L.Store(L.MultiplyAdd(w, cosine, L.Load(entropies.At + j)), entropies.At + j);
                }
                largest = L.Max(largest, cosine);
                L.Store(L.Max(L.Load(largests.At + j), cosine), largests.At + j);
            }
            Add(job->RowSums + i, L.Sum(norm), L.Sum(hard), L.Sum(entropy), 0, 0, L.Largest(largest), job->Tile);
        }
        Fold(job);
    }

    /// <summary>Any tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Any(TileJob* job)
    {
        var width = job->Width;
        var scratch = job->Scratch;
        Clear(job);
        var (slope, shift, beta) = (L.Set(job->Scale.Slope), L.Set(job->Scale.Shift), L.Set(job->Scale.Beta));
        for (var i = 0; i < job->Rows; i++)
        {
            if (job->Diagonal)
                job->Alive[i] = 0;
            var cosines = job->Cosines + (nint)i * width;
            var (norm, hard, entropy, largest) = (L.Set(0), L.Set(0), L.Set(0), L.Set(-2));
            var (positive, attraction) = (L.Set(0), L.Set(0));
            for (var j = 0; j < job->Columns; j += L.Count)
            {
                var alive = L.Load(job->Alive + j);
                var p = L.Multiply(alive,
                    job->Shares == null ? L.Equal(job->ColumnLabels + j, job->RowLabels[i]) : L.Load(job->Shares + (nint)i * width + j));
                var n = L.Subtract(alive, p);
                var cosine = L.Load(cosines + j);
                var power = L.MultiplyAdd(cosine, slope, shift);
                var e = L.Exp2(power);
                var w = L.Multiply(n, H.Of<L, T>(e, power, beta));
                var most = L.WhereMost(n, cosine);
                norm = L.Add(norm, w);
                hard = L.MultiplyAdd(w, e, hard);
                entropy = L.MultiplyAdd(w, cosine, entropy);
                positive = L.MultiplyAdd(p, e, positive);
                attraction = L.MultiplyAdd(p, cosine, attraction);
                largest = L.Max(largest, most);
                if (job->ColumnSums == null)
                    continue;
                var column = scratch + j;
                L.Store(L.Add(L.Load(column), w), column);
                L.Store(L.MultiplyAdd(w, e, L.Load(column + width)), column + width);
                L.Store(L.MultiplyAdd(w, cosine, L.Load(column + 2 * width)), column + 2 * width);
                L.Store(L.MultiplyAdd(p, e, L.Load(column + 3 * width)), column + 3 * width);
                L.Store(L.MultiplyAdd(p, cosine, L.Load(column + 4 * width)), column + 4 * width);
                L.Store(L.Max(L.Load(column + 5 * width), most), column + 5 * width);
            }
            Add(job->RowSums + i, L.Sum(norm), L.Sum(hard), L.Sum(entropy), L.Sum(positive), L.Sum(attraction),
                L.Largest(largest), job->Tile);
            if (job->Diagonal)
                job->Alive[i] = 1;
        }
        Fold(job);
    }

    private readonly struct Line(float* at)
    {
        public readonly float* At = at;
    }

    private static void Clear(TileJob* job)
    {
        new Span<float>(job->Scratch, 5 * job->Width).Clear();
        new Span<float>(job->Scratch + 5 * job->Width, job->Width).Fill(-2);
    }

    private static void Fold(TileJob* job)
    {
        if (job->ColumnSums == null)
            return;
        var (column, width) = (new Line(job->Scratch), job->Width);
        for (var j = 0; j < job->Columns; j++)
            Add(job->ColumnSums + j, column.At[j], column.At[j + width], column.At[j + 2 * width], column.At[j + 3 * width],
                column.At[j + 4 * width], column.At[j + 5 * width], job->Tile);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(RowSums* sums, float norm, float hard, float entropy, float positive, float attraction, float largest, int tile)
    {
        sums->Norm += norm;
        sums->Hard += hard;
        sums->Entropy += entropy;
        sums->Positive += positive;
        sums->Attraction += attraction;
        if (largest > sums->Largest)
            (sums->Largest, sums->Tile) = (largest, tile);
    }
}
