using System.Runtime.CompilerServices;

namespace Schane.Losses.Tiled;

/// <summary>The way back: overwrites one tile of cosines by the slope of the loss there, that of its row and of its column
/// as anchors together.</summary>
internal static unsafe class TileSlopes<L, T, H> where L : struct, ILanes<T> where T : struct where H : struct, IHardness
{
    /// <summary>A tile of negatives alone, without ragged columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Negatives(TileJob* job)
    {
        var (slope, shift, beta) = (L.Set(job->Scale.Slope), L.Set(job->Scale.Shift), L.Set(job->Scale.Beta));
        for (var i = 0; i < job->Rows; i++)
        {
            var cosines = job->Cosines + (nint)i * job->Width;
            var (kappa, mu) = (L.Set(job->RowSlopes.Kappa[i]), L.Set(job->RowSlopes.Mu[i]));
            for (var j = 0; j < job->Columns; j += L.Count)
            {
                var power = L.MultiplyAdd(L.Load(cosines + j), slope, shift);
                var e = L.Exp2(power);
                var k = L.Add(kappa, L.Load(job->ColumnSlopes.Kappa + j));
                if (H.Uniform)
                {
                    L.Store(L.Multiply(e, k), cosines + j);
                }
                else
                {
                    var m = L.Add(mu, L.Load(job->ColumnSlopes.Mu + j));
                    L.Store(L.Multiply(H.Of<L, T>(e, power, beta), L.Subtract(L.Multiply(e, k), m)), cosines + j);
                }
            }
        }
    }

    /// <summary>Any tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Any(TileJob* job)
    {
        var (slope, shift, beta) = (L.Set(job->Scale.Slope), L.Set(job->Scale.Shift), L.Set(job->Scale.Beta));
        for (var i = 0; i < job->Rows; i++)
        {
            if (job->Diagonal)
                job->Alive[i] = 0;
            var cosines = job->Cosines + (nint)i * job->Width;
            var (alpha, gamma) = (L.Set(job->RowSlopes.Alpha[i]), L.Set(job->RowSlopes.Gamma[i]));
            var (kappa, mu) = (L.Set(job->RowSlopes.Kappa[i]), L.Set(job->RowSlopes.Mu[i]));
            for (var j = 0; j < job->Columns; j += L.Count)
            {
                var alive = L.Load(job->Alive + j);
                var p = L.Multiply(alive, job->Shares == null
                    ? L.Equal(job->ColumnLabels + j, job->RowLabels[i]) : L.Load(job->Shares + (nint)i * job->Width + j));
                var n = L.Subtract(alive, p);
                var power = L.MultiplyAdd(L.Load(cosines + j), slope, shift);
                var e = L.Exp2(power);
                var pull = L.Subtract(L.Multiply(e, L.Add(alpha, L.Load(job->ColumnSlopes.Alpha + j))),
                    L.Add(gamma, L.Load(job->ColumnSlopes.Gamma + j)));
                var push = L.Subtract(L.Multiply(e, L.Add(kappa, L.Load(job->ColumnSlopes.Kappa + j))),
                    L.Add(mu, L.Load(job->ColumnSlopes.Mu + j)));
                L.Store(L.MultiplyAdd(L.Multiply(n, H.Of<L, T>(e, power, beta)), push, L.Multiply(p, pull)), cosines + j);
            }
            if (job->Diagonal)
                job->Alive[i] = 1;
        }
    }
}
