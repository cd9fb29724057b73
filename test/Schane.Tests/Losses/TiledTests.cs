using Schane.Losses;
using Schane.Losses.Pairs;
using Schane.Losses.Tiled;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>The tiled kernel against the op graph in float64.</summary>
[Trait("Long", "1")]
public partial class TiledTests
{
    private static readonly PairFormula[] formulas =
    [
        new(0.5, 1),
        new(0.1),
        new(0.1, Placement: Placement.Inside),
        new(0.3, 0.7, Placement.Inside),
        new(0.5, 1, DetachWeights: true),
        new(0.5, 2),
        new(0.5, 1, TauPlus: 0.1),
        new(0.2, 0.5, Placement.Inside, TauPlus: 0.3),
        new(0.05, 1),
    ];

    public static TheoryData<int, int, int, int, int> Sizes => new()
    {
        // rows, width, classes, threads, lanes
        { 2, 3, 1, 1, 0 },
        { 3, 1, 2, 2, 0 },
        { 7, 5, 3, 1, 16 },
        { 31, 33, 4, 2, 16 },
        { 96, 32, 96, 2, 16 },
        { 97, 17, 48, 2, 16 },
        { 200, 64, 2, 2, 16 },
        { 385, 40, 5, 3, 16 },
        { 530, 20, 265, 2, 16 },
        { 600, 8, 1, 2, 16 },
        { 530, 100, 265, 7, 0 },
        { 1000, 130, 40, 16, 0 },
        { 97, 17, 10, 2, 8 },
        { 300, 40, 20, 2, 8 },
        { 40, 9, 5, 1, 1 },
        { 100, 6, 50, 2, 1 },
    };

    private static void Agree(PairResult expected, PairResult? actual, double tolerance, string what)
    {
        Assert.NotNull(actual);
        if (double.IsNaN(expected.Loss))
        {
            Assert.True(double.IsNaN(actual.Value.Loss), what);
            return;
        }
        Assert.True(Math.Abs(expected.Loss - actual.Value.Loss) <= tolerance * Math.Max(1, Math.Abs(expected.Loss)),
            $"{what}: loss {actual.Value.Loss} is not {expected.Loss}");
        var largest = expected.Gradient.abs().max().item<double>();
        var error = (expected.Gradient - actual.Value.Gradient.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(error <= tolerance * largest + 1e-7, $"{what}: gradient differs by {error}, largest {largest}");
    }

    private static void SameRows(RowStatistics expected, RowStatistics actual, Tensor rows, string what)
    {
        void Close(float[] a, float[] b, string name, double tolerance = 2e-4)
        {
            for (var i = 0; i < a.Length; i++)
                Assert.True((float.IsNaN(a[i]) && float.IsNaN(b[i])) || Math.Abs(a[i] - b[i]) <= tolerance * Math.Max(1, Math.Abs(a[i])),
                    $"{what}: {name} of anchor {i} is {b[i]}, not {a[i]}");
        }
        Close(expected.Loss, actual.Loss, "loss");
        Close(expected.Positives, actual.Positives, "positives");
        Close(expected.PositiveSimilarity, actual.PositiveSimilarity, "positive similarity");
        Close(expected.NegativeSimilarity, actual.NegativeSimilarity, "negative similarity");
        Close(expected.HardestNegativeSimilarity, actual.HardestNegativeSimilarity, "hardest negative");
        Close(expected.EffectiveNegatives, actual.EffectiveNegatives, "effective negatives");
        var units = PairLoss.Units(rows.to_type(ScalarType.Float64));
        for (var i = 0; i < expected.Count; i++)
        {
            var (a, b) = (expected.HardestNegative[i], actual.HardestNegative[i]);
            Assert.True((a < 0) == (b < 0), what);
            if (b >= 0)
                Assert.Equal(actual.HardestNegativeSimilarity[i], (float)units[i + expected.First].dot(units[b]).item<double>(), 1e-5f);
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Loss_gradient_and_row_statistics_are_those_of_the_op_graph_in_float64(int count, int width,
        int classes, int threads, int lanes)
    {
        using var kernel = new TiledPairLoss(threads, lanes);
        foreach (var formula in formulas)
        {
            using var scope = NewDisposeScope();
            var labels = tensor(Some.Labels(count, classes));
            var rows = Some.Rows(count, width, dtype: ScalarType.Float32) * 3;
            var problem = new PairProblem(labels, null, 0, count);
            var expected = ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, formula, 0.7);
            var actual = TiledPairs.Compute(kernel, rows, problem, formula, 0.7);
            Agree(expected, actual, (formula.TauPlus > 0 ? 1e-5 : 2e-6) / Math.Min(1, formula.Temperature * 2), $"{formula}");
            SameRows(expected.Rows, actual!.Value.Rows, rows, $"{formula}");
        }
    }

    [Theory]
    [InlineData(7, 5, 3, 0)]
    [InlineData(130, 20, 10, 16)]
    [InlineData(130, 20, 33, 8)]
    [InlineData(33, 20, 4, 1)]
    public void Mixtures_give_the_op_graphs_loss_and_gradient(int count, int width, int classes, int lanes)
    {
        using var kernel = new TiledPairLoss(2, lanes);
        foreach (var formula in formulas)
        {
            using var scope = NewDisposeScope();
            var rows = Some.Rows(count, width, dtype: ScalarType.Float32);
            var mixture = Some.Mixtures(count, classes);
            var problem = new PairProblem(null, mixture.to_type(ScalarType.Float32), 0, count);
            var expected = ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, formula, 1);
            var actual = TiledPairs.Compute(kernel, rows, problem, formula, 1);
            Agree(expected, actual, 4e-6 / Math.Min(1, formula.Temperature * 2), $"{formula}");
            SameRows(expected.Rows, actual!.Value.Rows, rows, $"{formula}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Anchors_shared_among_ranks_add_up_to_the_whole_in_the_kernel_and_in_the_op_graph(bool mixed)
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(2);
        var rows = Some.Rows(230, 12, dtype: ScalarType.Float32);
        var labels = mixed ? null : tensor(Some.Labels(230, 9));
        var mixture = mixed ? Some.Mixtures(230, 9) : null;
        var formula = new PairFormula(0.4, 1);
        var whole = ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), new(labels, mixture, 0, 230), formula, 1);
        foreach (var tiled in new[] { true, false })
        {
            var (loss, gradient) = (0.0, zeros(230, 12, ScalarType.Float64));
            foreach (var (first, count) in new[] { (0, 50), (50, 1), (51, 179) })
            {
                var problem = new PairProblem(labels, mixture, first, count);
                var part = tiled ? TiledPairs.Compute(kernel, rows, problem, formula, 1)!.Value
                    : ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, formula, 1, chunk: 37);
                loss += part.Loss;
                gradient += part.Gradient.to_type(ScalarType.Float64);
                Assert.Equal(whole.Rows.Loss[first], part.Rows.Loss[0], 1e-4f);
                Assert.Equal(whole.Rows.HardestNegative[first..(first + count)], part.Rows.HardestNegative);
            }
            Agree(whole, new PairResult(loss, gradient, whole.Rows), 4e-6, $"tiled {tiled}");
        }
    }

    [Fact]
    public void The_same_input_gives_the_same_bits()
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(2);
        var rows = Some.Rows(500, 33, dtype: ScalarType.Float32);
        var problem = new PairProblem(tensor(Some.Labels(500, 20)), null, 0, 500);
        var once = TiledPairs.Compute(kernel, rows, problem, new(0.2, 1), 1)!.Value;
        TiledPairs.Compute(kernel, rows * 2 + 1, problem, new(0.2, 0), 1);
        var again = TiledPairs.Compute(kernel, rows, problem, new(0.2, 1), 1)!.Value;
        Assert.Equal(once.Loss, again.Loss);
        Assert.True(once.Gradient.equal(again.Gradient).all().item<bool>());
    }

    [Fact]
    public void Steps_after_the_first_allocate_nothing()
    {
        const int count = 400, width = 24;
        // all on this thread, whose allocations are counted
        using var kernel = new TiledPairLoss(1);
        var (rows, gradient) = (new float[count * width], new float[count * width]);
        for (var i = 0; i < rows.Length; i++)
            rows[i] = MathF.Sin(i * 1.7f);
        var labels = Some.Labels(count, 12);
        unsafe void Step()
        {
            fixed (float* source = rows, target = gradient)
            fixed (long* of = labels)
                kernel.Compute(source, of, null, new(count, width, 0, 0, count), formulas[0], 1, target, null);
        }
        Step();
        var (bytes, before) = (kernel.Bytes, GC.GetAllocatedBytesForCurrentThread());
        for (var i = 0; i < 5; i++)
            Step();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(bytes, kernel.Bytes);
    }

    [Fact]
    public void A_temperature_too_small_for_single_precision_is_left_to_the_op_graph()
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(1);
        var rows = Some.Rows(20, 16, dtype: ScalarType.Float32);
        var problem = new PairProblem(tensor(Some.Labels(20, 4)), null, 0, 20);
        Assert.Null(TiledPairs.Compute(kernel, rows, problem, new(0.01, 1), 1));
        // Two clusters at opposite ends: every negative lies at cosine −1, whose exponentials are cut off.
        var opposite = cat([ones(10, 4), -ones(10, 4)]);
        Assert.Null(TiledPairs.Compute(kernel, opposite,
            new(cat([zeros(10, ScalarType.Int64), ones(10, ScalarType.Int64)]), null, 0, 20), new(0.02, 1), 1));
    }

    [Fact]
    public void Zero_rows_and_huge_rows_are_normalised_as_by_the_op_graph()
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(1);
        var rows = Some.Rows(12, 6, dtype: ScalarType.Float32);
        rows[2] *= 1e25;
        rows[3] *= 1e-9;
        var problem = new PairProblem(tensor(Some.Labels(12, 3)), null, 0, 12);
        Agree(ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, new(0.5, 1), 1),
            TiledPairs.Compute(kernel, rows, problem, new(0.5, 1), 1), 4e-6, "scaled");
        rows[5].zero_();
        Agree(ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, new(0.5, 1), 1),
            TiledPairs.Compute(kernel, rows, problem, new(0.5, 1), 1), 4e-6, "zero");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Many_threads_in_teams_give_the_same_bits_each_time_and_the_gradient_of_one_thread_to_rounding(bool bf16)
    {
        using var scope = NewDisposeScope();
        using var many = new TiledPairLoss(23, bf16: bf16);
        using var one = new TiledPairLoss(1, bf16: bf16);
        var rows = Some.Rows(1500, 160, dtype: ScalarType.Float32);
        foreach (var (first, count) in new[] { (0, 1500), (400, 700) })
        {
            var problem = new PairProblem(tensor(Some.Labels(1500, 50)), null, first, count);
            var once = TiledPairs.Compute(many, rows, problem, new(0.2, 1), 1)!.Value;
            var again = TiledPairs.Compute(many, rows, problem, new(0.2, 1), 1)!.Value;
            Assert.Equal(once.Loss, again.Loss);
            Assert.True(once.Gradient.equal(again.Gradient).all().item<bool>());
            var expected = TiledPairs.Compute(one, rows, problem, new(0.2, 1), 1)!.Value;
            Agree(new(expected.Loss, expected.Gradient.to_type(ScalarType.Float64), expected.Rows), once,
                bf16 ? 1e-3 : 5e-6, $"anchors from {first}");
        }
    }
}
