using Schane.Products;

namespace Schane.Tests.Products;

public sealed unsafe class PackedProductTests
{
    /// <summary>Rows, columns, depth: one, the edges of tiles of 12 × 32, of blocks of 384 × 1024 × 384, and beyond.</summary>
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 1 }, { 12, 32, 8 }, { 13, 33, 9 }, { 11, 31, 7 }, { 24, 64, 385 }, { 5, 100, 300 }, { 385, 40, 50 }, { 30, 1030, 20 },
        { 200, 130, 1000 }, { 90, 2070, 17 }, { 800, 7, 40 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_product_is_that_of_float64_however_its_factors_lie(int rows, int columns, int depth)
    {
        var (a, b, bias) = (Numbers(rows * depth, 1), Numbers(depth * columns, 2), Numbers(columns, 3));
        foreach (var lanes in Lanes())
        {
            foreach (var threads in (int[])[1, 2, 3])
            {
                using var product = new PackedProduct(threads, lanes);
                foreach (var (leftTurned, rightTurned, added) in (ReadOnlySpan<(bool, bool, bool)>)
                    [(false, false, false), (false, true, true), (true, false, false), (true, true, true)])
                {
                    // One float more on each side, which must stay as it is.
                    var c = new float[rows * columns + 2];
                    Array.Fill(c, 7);
                    fixed (float* left = leftTurned ? Turned(a, rows, depth) : a,
                        right = rightTurned ? Turned(b, depth, columns) : b, row = bias, to = c)
                        product.Multiply(leftTurned ? Operand.Transposed(left, rows) : Operand.Rows(left, depth),
                            rightTurned ? Operand.Transposed(right, depth) : Operand.Rows(right, columns), to + 1, (rows, columns, depth),
                            added ? row : null);
                    Assert.Equal((7, 7), (c[0], c[^1]));
                    Near(a, b, added ? bias : null, c.AsSpan(1, rows * columns), (rows, columns, depth));
                }
            }
        }
    }

    [Fact]
    public void The_same_factors_on_as_many_threads_give_the_same_bits()
    {
        const int rows = 500, columns = 300, depth = 700;
        var (a, b) = (Numbers(rows * depth, 1), Numbers(depth * columns, 2));
        var results = Enumerable.Range(0, 3).Select(_ =>
        {
            var c = new float[rows * columns];
            using var product = new PackedProduct(3);
            fixed (float* left = a, right = b, to = c)
                product.Multiply(Operand.Rows(left, depth), Operand.Rows(right, columns), to, (rows, columns, depth));
            return c;
        }).ToList();
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Fact]
    public void What_is_not_a_number_stays_in_its_row_and_column()
    {
        const int rows = 30, columns = 70, depth = 40;
        var (a, b) = (Numbers(rows * depth, 1), Numbers(depth * columns, 2));
        a[5 * depth + 3] = float.NaN;
        var c = new float[rows * columns];
        using var product = new PackedProduct(2);
        fixed (float* left = a, right = b, to = c)
            product.Multiply(Operand.Rows(left, depth), Operand.Rows(right, columns), to, (rows, columns, depth));
        for (var i = 0; i < rows; i++)
            Assert.All(c.AsSpan(i * columns, columns).ToArray(), value => Assert.Equal(i == 5, float.IsNaN(value)));
    }

    private static void Near(float[] a, float[] b, float[]? bias, ReadOnlySpan<float> c, (int Rows, int Columns, int Depth) size)
    {
        for (var i = 0; i < size.Rows; i++)
        {
            for (var j = 0; j < size.Columns; j++)
            {
                var sum = bias is null ? 0.0 : bias[j];
                for (var k = 0; k < size.Depth; k++)
                    sum += (double)a[i * size.Depth + k] * b[k * size.Columns + j];
                Assert.True(Math.Abs(sum - c[i * size.Columns + j]) <= 1e-5 * Math.Sqrt(size.Depth),
                    $"({i}, {j}) of {size}: {c[i * size.Columns + j]} and {sum} in float64");
            }
        }
    }

    private static float[] Turned(float[] matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
                result[j * rows + i] = matrix[i * columns + j];
        return result;
    }

    private static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    private static IEnumerable<int> Lanes() => ((int[])[1, 8, 16]).Where(lanes => lanes <= MatrixKernel.BestLanes);
}
