using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Schane.Evaluation.Episodes;

// n support rows, m = n + 1, K classes. Each number is a vector: one problem a lane. States are [K, m]: α of a class, then its b.

/// <summary>Logistic regression problems of one shape, one in each lane of the vectors: α [n, K] and b [K] from the products
/// of the support rows.</summary>
/// <remarks>
/// With F = G α + b the optimum is where α = C (Y − P(F)) and 1ᵀα = 0. Softmax curvature is at most h (I − 11ᵀ/K), h = ½ (Böhning 1992),
/// which makes one m × m system, the same for all classes and rounds; it is inverted once and stepped along with Nesterov's momentum,
/// restarted where the step turns against the last (O'Donoghue &amp; Candès 2015). A lane is done at its own round, so that no problem
/// changes another's answer. Lanes that don't get there (rows of large norm, whose products have lost the digits that W x needs) are
/// left to <see cref="NewtonRegression"/>.
/// </remarks>
internal sealed class RegressionLanes(int support, int classes, double c)
{
    /// <summary>Largest residual of a solved problem, in scores: times the longest row's square where that is above
    /// 1.</summary>
    private const double Tolerance = 1e-10;

    private const int MostRounds = 400;
    private const double Curvature = 0.5;

    private readonly int m = support + 1;
    private readonly Vector<double>[] border = new Vector<double>[(support + 1) * (support + 1)];     // [G 1; 1ᵀ 0]
    private readonly Vector<double>[] inverse = new Vector<double>[(support + 1) * (support + 1)];
    private readonly Vector<double>[] targets = State(support, classes), now = State(support, classes), ahead = State(support, classes),
        before = State(support, classes);
    private readonly Vector<double>[] scores = State(support, classes), right = State(support, classes), step = State(support, classes),
        result = State(support, classes);
    private Vector<long> done;

    /// <summary>Gives a lane the product of two support rows, and of the same two the other way round.</summary>
    public void SetProduct(int lane, int i, int j, double product)
    {
        Lane(border, i * m + j, lane) = product;
        Lane(border, j * m + i, lane) = product;
    }

    /// <summary>Gives a lane the classes of its support rows.</summary>
    public void SetLabels(int lane, ReadOnlySpan<int> labels)
    {
        for (var i = 0; i < support; i++)
            for (var k = 0; k < classes; k++)
                Lane(targets, k * m + i, lane) = labels[i] == k ? 1 : 0;
    }

    /// <summary>Whether a lane got to the optimum.</summary>
    public bool Solved(int lane) => done[lane] != 0;

    /// <summary>How much a support row counts for a class, once solved.</summary>
    public double Alpha(int lane, int i, int k) => Lane(result, k * m + i, lane);

    /// <summary>b of a class, once solved.</summary>
    public double Bias(int lane, int k) => Lane(result, k * m + support, lane);

    /// <summary>Solves what the lanes were given.</summary>
    public void Solve()
    {
        Invert();
        now.AsSpan().Clear();
        ahead.AsSpan().Clear();
        before.AsSpan().Clear();
        var momentum = Vector<double>.One;
        done = Vector<long>.Zero;
        var longest = Vector<double>.One;
        for (var i = 0; i < support; i++)
            longest = Vector.Max(longest, border[i * m + i]);
        var limit = new Vector<double>(Tolerance) / longest;
        for (var round = 0; round < MostRounds; round++)
        {
            var there = Vector.LessThanOrEqual(Residual(), limit);
            var arrived = Vector.AndNot(there, done);
            if (arrived != Vector<long>.Zero)
                for (var x = 0; x < result.Length; x++)
                    result[x] = Vector.ConditionalSelect(arrived, ahead[x], result[x]);
            done |= there;
            if (done == Vector<long>.AllBitsSet)
                return;
            Advance(ref momentum);
        }
    }

    /// <summary>C (Y − P) − α over −h C 1ᵀα at the point ahead; returns each lane's largest number of it, h C left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector<double> Residual()
    {
        Multiply(border, ahead, scores);                                  // G α + b over 1ᵀα
        var largest = Vector<double>.Zero;
        var weight = new Vector<double>(c);
        for (var i = 0; i < support; i++)
        {
            var most = scores[i];
            for (var k = 1; k < classes; k++)
                most = Vector.Max(most, scores[k * m + i]);
            var sum = Vector<double>.Zero;
            for (var k = 0; k < classes; k++)
                sum += scores[k * m + i] = Vector.Exp(scores[k * m + i] - most);
            for (var k = 0; k < classes; k++)
            {
                var x = k * m + i;
                right[x] = weight * (targets[x] - scores[x] / sum) - ahead[x];
                largest = Vector.Max(largest, Vector.Abs(right[x]));
            }
        }
        for (var k = 0; k < classes; k++)
        {
            var x = k * m + support;
            right[x] = scores[x] * -(c * Curvature);
            largest = Vector.Max(largest, Vector.Abs(scores[x]));
        }
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Advance(ref Vector<double> momentum)
    {
        Multiply(inverse, right, step);
        var along = Vector<double>.Zero;
        for (var x = 0; x < step.Length; x++)
        {
            right[x] = ahead[x] + step[x];                                // where the step leads
            step[x] = right[x] - now[x];
            along += step[x] * before[x];
        }
        var turned = Vector.LessThan(along, Vector<double>.Zero);
        var larger = (Vector<double>.One + Vector.SquareRoot(momentum * momentum * 4 + Vector<double>.One)) * 0.5;
        var further = Vector.ConditionalSelect(turned, Vector<double>.Zero, (momentum - Vector<double>.One) / larger);
        momentum = Vector.ConditionalSelect(turned, Vector<double>.One, larger);
        for (var x = 0; x < step.Length; x++)
        {
            now[x] = right[x];
            before[x] = step[x];
            ahead[x] = Vector.FusedMultiplyAdd(further, step[x], right[x]);
        }
    }

    /// <summary>The inverse of h C [G 1; 1ᵀ 0] + [I 0; 0 0], by elimination; its order needs no exchange of rows: all pivots but the last
    /// are at least 1, and that is below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Invert()
    {
        for (var i = 0; i < support; i++)
            border[i * m + support] = border[support * m + i] = Vector<double>.One;
        border[^1] = Vector<double>.Zero;
        for (var x = 0; x < border.Length; x++)
            inverse[x] = border[x] * (c * Curvature);
        for (var i = 0; i < support; i++)
            inverse[i * m + i] += Vector<double>.One;
        for (var p = 0; p < m; p++)
        {
            var pivot = inverse.AsSpan(p * m, m);
            var factor = Vector<double>.One / pivot[p];
            pivot[p] = Vector<double>.One;
            for (var j = 0; j < m; j++)
                pivot[j] *= factor;
            for (var i = 0; i < m; i++)
            {
                if (i == p)
                    continue;
                var row = inverse.AsSpan(i * m, m);
                var times = -row[p];
                row[p] = Vector<double>.Zero;
                for (var j = 0; j < row.Length; j++)
                    row[j] = Vector.FusedMultiplyAdd(times, pivot[j], row[j]);
            }
        }
    }

    /// <summary>A symmetric matrix [m, m] times each class of a state, four numbers at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(Vector<double>[] matrix, Vector<double>[] state, Vector<double>[] product)
    {
        ref var a = ref MemoryMarshal.GetArrayDataReference(matrix);
        for (var k = 0; k < classes; k++)
        {
            ref var x = ref state[k * m];
            var output = product.AsSpan(k * m, m);
            var i = 0;
            for (; i + 4 <= m; i += 4)
            {
                Vector<double> one = default, two = default, three = default, four = default;
                ref var column = ref Unsafe.Add(ref a, i);
                for (var j = 0; j < m; j++)
                {
                    var value = Unsafe.Add(ref x, j);
                    one = Vector.FusedMultiplyAdd(value, column, one);
                    two = Vector.FusedMultiplyAdd(value, Unsafe.Add(ref column, 1), two);
                    three = Vector.FusedMultiplyAdd(value, Unsafe.Add(ref column, 2), three);
                    four = Vector.FusedMultiplyAdd(value, Unsafe.Add(ref column, 3), four);
                    column = ref Unsafe.Add(ref column, m);
                }
                (output[i], output[i + 1], output[i + 2], output[i + 3]) = (one, two, three, four);
            }
            for (; i < m; i++)
            {
                var sum = Vector<double>.Zero;
                for (var j = 0; j < m; j++)
                    sum = Vector.FusedMultiplyAdd(state[k * m + j], matrix[i * m + j], sum);
                output[i] = sum;
            }
        }
    }

    private static ref double Lane(Vector<double>[] vectors, int index, int lane) =>
        ref MemoryMarshal.Cast<Vector<double>, double>(vectors.AsSpan(index, 1))[lane];

    private static Vector<double>[] State(int support, int classes) => new Vector<double>[classes * (support + 1)];
}
