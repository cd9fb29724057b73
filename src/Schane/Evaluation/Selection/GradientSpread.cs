using System.Numerics.Tensors;
using Schane.Tensors;

namespace Schane.Evaluation.Selection;

// n images, D embedding width, C classes, k to choose.

/// <summary>
/// BADGE (Ash et al. 2020, arXiv:1906.03671): the gradient of the last layer, if the most probable class were the label, is long where the
/// model is unsure and points elsewhere where images differ; k-means++ draws from these. A gradient is the outer product of the
/// probabilities less the label and the embedding, so that distances need neither the product nor its C × D numbers: O(n k (C + D)).
/// </summary>
internal static class GradientSpread
{
    /// <summary>The longest gradient first, then each drawn with a chance in proportion to its squared distance from the nearest that was
    /// chosen.</summary>
    /// <param name="pool">Images to choose from.</param>
    /// <param name="count">k, at most n.</param>
    /// <param name="seed">Key of the draws.</param>
    public static int[] Choose(UnlabelledImages pool, int count, long seed)
    {
        var random = new SampleRandom(seed);
        var gradients = new Gradients(pool);
        double[] nearest = [.. Enumerable.Repeat(double.PositiveInfinity, pool.Count)];
        var chosen = new int[count];
        for (var k = 0; k < count; k++)
        {
            var next = chosen[k] = k == 0 ? gradients.Longest : Draw(nearest, ref random);
            Parallel.For(0, pool.Count, i => nearest[i] = i == next ? -1 : Math.Min(nearest[i], gradients.SquaredDistance(i, next)));
        }
        return chosen;
    }

    /// <summary>A place by these weights; chosen ones have less than 0. Where all others have 0, the first of them.</summary>
    private static int Draw(double[] weights, ref SampleRandom random)
    {
        var left = random.NextDouble() * weights.Sum(w => Math.Max(0, w));
        var last = -1;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] < 0 || (weights[i] == 0 && last >= 0))
                continue;
            last = i;
            if ((left -= weights[i]) < 0)
                break;
        }
        return last;
    }

    /// <summary>The gradients of images, by their factors.</summary>
    internal sealed class Gradients
    {
        private readonly UnlabelledImages pool;
        private readonly float[] errors;                                  // n × C: probabilities, less 1 where they are greatest
        private readonly double[] squares;                                // n squared lengths

        public Gradients(UnlabelledImages pool)
        {
            (this.pool, errors) = (pool, [.. pool.Probabilities]);
            for (var i = 0; i < pool.Count; i++)
                errors[i * pool.Classes + TensorPrimitives.IndexOfMax(pool.Probability(i))] -= 1;
            squares = [.. Enumerable.Range(0, pool.Count).Select(i => Product(i, i))];
        }

        /// <summary>The place of the longest.</summary>
        public int Longest => Array.IndexOf(squares, squares.Max());

        public double SquaredDistance(int one, int other) => Math.Max(0, squares[one] + squares[other] - 2 * Product(one, other));

        private double Product(int one, int other) =>
            (double)TensorPrimitives.Dot(Error(one), Error(other)) * TensorPrimitives.Dot(pool.Embedding(one), pool.Embedding(other));

        private ReadOnlySpan<float> Error(int image) => errors.AsSpan(image * pool.Classes, pool.Classes);
    }
}
