using Schane.Losses.Pairs;

namespace Schane.Losses.Tiled;

/// <summary>What one row saw, summed over tiles. e = exp(s − σ) with the shift σ of <see cref="TileScale"/>, w = exp(β (s − σ)).</summary>
internal struct RowSums
{
    /// <summary>Σ n w.</summary>
    public double Norm;

    /// <summary>Σ n w e.</summary>
    public double Hard;

    /// <summary>Σ n w cos.</summary>
    public double Entropy;

    /// <summary>Σ p e.</summary>
    public double Positive;

    /// <summary>Σ p cos.</summary>
    public double Attraction;

    /// <summary>Largest cosine with a negative, −2 without.</summary>
    public float Largest;

    /// <summary>The tile it stands in.</summary>
    public int Tile;
}

/// <summary>From cosines to exponents: e = 2^(cos · Slope + Shift) = exp(s − σ), so that neither e^(1+β) overflows nor
/// what counts underflows.</summary>
internal readonly struct TileScale
{
    // e^(1+β) reaches at most exp(40); single precision ends at exp(88) and exp(−87).
    private const double Top = 40;

    public TileScale(double temperature, double beta)
    {
        // No more shift than it takes: a large one would cost the cosine's last bits.
        Shift = (float)(-Math.Max(0, 1 / temperature - Top / (1 + beta)) / Math.Log(2));
        Sigma = -Shift * Math.Log(2);
        Slope = (float)(1 / (temperature * Math.Log(2)));
        Beta = (float)beta;
    }

    /// <summary>σ.</summary>
    public double Sigma { get; }
    public float Slope { get; }
    public float Shift { get; }
    public float Beta { get; }

    /// <summary>Whether negatives down to a cosine of about −¼ keep their full precision; below that τ the op
    /// graph computes in logs.</summary>
    public static bool Serves(PairFormula formula) =>
        (2 * Top + 45) * formula.Temperature / (1 + formula.Beta) >= 1.25 && formula.Beta <= 16;
}

/// <summary>The coefficients of a row in ∂loss/∂cos = p (e α − γ) + n w (e κ − μ).</summary>
internal unsafe struct RowSlopes
{
    public float* Alpha;
    public float* Gamma;
    public float* Kappa;
    public float* Mu;

    public readonly RowSlopes From(long row) => new() { Alpha = Alpha + row, Gamma = Gamma + row, Kappa = Kappa + row, Mu = Mu + row };
}

/// <summary>One tile of cosines and what belongs to its rows and columns.</summary>
internal unsafe struct TileJob
{
    /// <summary>[Rows, Width], on the way back overwritten by the slopes.</summary>
    public float* Cosines;
    public int Width;
    public int Rows;
    public int Columns;
    public int Tile;

    /// <summary>Rows and columns are the same; an element with itself counts as nothing.</summary>
    public bool Diagonal;
    public TileScale Scale;

    /// <summary>Labels of the rows and columns, or p itself [Rows, Width].</summary>
    public int* RowLabels;
    public int* ColumnLabels;
    public float* Shares;

    /// <summary>1 for each column, 0 beyond the last; scratch.</summary>
    public float* Alive;

    /// <summary>Of the rows, of the columns (null on the diagonal), and scratch for the columns: six times Width floats.</summary>
    public RowSums* RowSums;
    public RowSums* ColumnSums;
    public float* Scratch;

    public RowSlopes RowSlopes;
    public RowSlopes ColumnSlopes;
}
