using Schane.Losses.Pairs;
using Schane.Losses.Tiled;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

public partial class TiledTests
{
    public static TheoryData<int, int, int, int, bool> HalfSizes
    {
        get
        {
            var sizes = new TheoryData<int, int, int, int, bool>();
            foreach (var native in Brgemm.Available ? new[] { true, false } : [false])
                foreach (var (rows, width, classes, lanes) in new[] { (2, 3, 1, 16), (7, 5, 3, 16), (97, 33, 48, 16), (385, 40, 5, 16),
                    (530, 300, 265, 16), (130, 20, 10, 8), (40, 9, 5, 1) })
                    sizes.Add(rows, width, classes, lanes, native);
            return sizes;
        }
    }

    [Theory, MemberData(nameof(HalfSizes))]
    public void In_bfloat16_loss_and_gradient_are_within_its_rounding_by_libtorch_and_by_our_own_products(int count, int width,
        int classes, int lanes, bool native)
    {
        using var kernel = new TiledPairLoss(2, lanes, bf16: true, native);
        foreach (var formula in formulas.Where(f => f.TauPlus == 0))
        {
            using var scope = NewDisposeScope();
            var rows = Some.Rows(count, width, dtype: ScalarType.Float32) * 3;
            var problem = new PairProblem(tensor(Some.Labels(count, classes)), null, 0, count);
            var expected = ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, formula, 0.7);
            Agree(expected, TiledPairs.Compute(kernel, rows, problem, formula, 0.7),
                width < 32 || formula.Temperature < 0.5 ? 2e-2 : 5e-3, $"{formula}");
        }
    }

    [Theory]
    [InlineData(false, 0.5, 5e-3)]
    [InlineData(true, 0.5, 5e-3)]
    [InlineData(false, 0.05, 2e-2)]
    [InlineData(true, 0.05, 2e-2)]
    public void In_bfloat16_gradients_of_random_and_of_clustered_rows_keep_their_bound(bool clustered, double temperature, double bound)
    {
        foreach (var native in Brgemm.Available ? new[] { true, false } : [false])
        {
            using var scope = NewDisposeScope();
            using var kernel = new TiledPairLoss(2, bf16: true, native: native);
            var labels = Some.Labels(600, 20);
            var rows = clustered
                ? Some.Clusters(labels, 128, 0.03, dtype: ScalarType.Float32) : Some.Rows(600, 128, dtype: ScalarType.Float32);
            foreach (var beta in new[] { 0.0, 1 })
            {
                var problem = new PairProblem(tensor(labels), null, 0, 600);
                Agree(ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, new(temperature, beta), 1),
                    TiledPairs.Compute(kernel, rows, problem, new(temperature, beta), 1), bound, $"native {native}, β {beta}");
            }
        }
    }

    [Fact]
    public void In_bfloat16_mixtures_and_shared_anchors_follow_the_op_graph_too()
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(2, bf16: true);
        var rows = Some.Rows(130, 40, dtype: ScalarType.Float32);
        var mixture = Some.Mixtures(130, 10).to_type(ScalarType.Float32);
        foreach (var (first, count) in new[] { (0, 130), (30, 40) })
        {
            var problem = new PairProblem(null, mixture, first, count);
            Agree(ChunkedGraph.Compute(rows.to_type(ScalarType.Float64), problem, new(0.5, 1), 1),
                TiledPairs.Compute(kernel, rows, problem, new(0.5, 1), 1), 1e-2, $"{first}");
        }
    }

    [Fact]
    public void In_bfloat16_the_same_input_gives_the_same_bits()
    {
        using var scope = NewDisposeScope();
        using var kernel = new TiledPairLoss(2, bf16: true);
        var rows = Some.Rows(500, 33, dtype: ScalarType.Float32);
        var problem = new PairProblem(tensor(Some.Labels(500, 20)), null, 0, 500);
        var once = TiledPairs.Compute(kernel, rows, problem, new(0.1, 1), 1)!.Value;
        TiledPairs.Compute(kernel, rows * 2 + 1, problem, new(0.5, 0), 1);
        var again = TiledPairs.Compute(kernel, rows, problem, new(0.1, 1), 1)!.Value;
        Assert.Equal(once.Loss, again.Loss);
        Assert.True(once.Gradient.equal(again.Gradient).all().item<bool>());
    }

    [Theory]
    [InlineData(16)]
    [InlineData(8)]
    [InlineData(1)]
    public unsafe void Rounding_to_bfloat16_is_to_the_nearest_ties_to_even(int lanes)
    {
        var kernel = Bf16Kernel.For(lanes, native: false);
        var values = new float[32];
        (values[0], values[1], values[2], values[3], values[4]) = (1, 1 + 1f / 256, 1 + 3f / 256, 1 + 1f / 256 + 1e-6f, -3.14159f);
        var (half, rest) = (new ushort[32], new ushort[32]);
        fixed (float* from = values)
        fixed (ushort* to = half, left = rest)
            kernel.Split(from, 32, to, left);
        Assert.Equal([0x3F80, 0x3F80, 0x3F82, 0x3F81, 0xC049], half[..5].Select(h => (int)h));
        Assert.Equal(1f / 256, BitConverter.UInt32BitsToSingle((uint)rest[1] << 16));
    }
}
