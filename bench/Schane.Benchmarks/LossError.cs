using Schane.Losses.Pairs;
using Schane.Losses.Tiled;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>How far are the gradients of the tiled kernel and of the op graph, both in float32, from float64, in parts
/// of the largest entry?</summary>
internal static class LossError
{
    private const int Classes = 32;

    public static int Run(string[] arguments)
    {
        var (rows, width) = (LossSpeed.Option(arguments, "--rows", 1024), LossSpeed.Option(arguments, "--dim", 128));
        Console.WriteLine($"{rows} × {width}, {Classes} classes; error of the largest entry, in parts of the largest entry");
        Console.WriteLine("rows        tau  beta | tiled     op graph  ratio  bfloat16");
        using var kernel = new TiledPairLoss(2);
        using var half = new TiledPairLoss(2, bf16: true);
        manual_seed(1);
        var labels = arange(rows).remainder(Classes);
        foreach (var clustered in new[] { false, true })
        {
            foreach (var tau in new[] { 1, 0.5, 0.2, 0.1, 0.05, 0.03, 0.02 })
            {
                foreach (var beta in new[] { 0.0, 1 })
                {
                    using var scope = NewDisposeScope();
                    var noise = randn(rows, width);
                    var embeddings = clustered ? nn.functional.normalize(randn(Classes, width)).index(labels) + noise * 0.03 : noise;
                    var problem = new PairProblem(labels, null, 0, rows);
                    var formula = new PairFormula(tau, beta);
                    var exact = ChunkedGraph.Compute(embeddings.to_type(ScalarType.Float64), problem, formula, 1).Gradient;
                    var largest = exact.abs().max().item<double>();
                    double Error(Tensor gradient) => (gradient.to_type(ScalarType.Float64) - exact).abs().max().item<double>() / largest;
                    var graph = Error(ChunkedGraph.Compute(embeddings, problem, formula, 1).Gradient);
                    double Tiled(TiledPairLoss by) =>
                        TiledPairs.Compute(by, embeddings, problem, formula, 1) is { } result ? Error(result.Gradient) : double.NaN;
                    var tiled = Tiled(kernel);
                    Console.WriteLine($"{(clustered ? "clustered" : "random"),-9} {tau,5} {beta,5} | {tiled:E2}  {graph:E2}  " +
                        $"{tiled / graph,5:F2}  {Tiled(half):E2}");
                }
            }
        }
        return 0;
    }
}
