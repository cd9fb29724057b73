using System.Text.RegularExpressions;
using Schane.Losses;
using Schane.Losses.Pairs;
using Schane.Losses.Tiled;
using Schane.Tests.Oracles;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>Every case of golden/losses: our value and gradient, or the conversion to the peer's formula, or
/// the stated difference.</summary>
public partial class GoldenTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("losses", "index.json");

    [Theory, MemberData(nameof(Folders))]
    public void Every_batch_agrees_with_the_peers_in_float64_and_float32(string folder) => Run(GoldenCase.Batches(folder));

    public static IEnumerable<TheoryDataRow<string>> EdgeFolders => GoldenFolder.Of("losses", "edge_cases.json");

    [Theory, MemberData(nameof(EdgeFolders))]
    public void Every_edge_case_agrees_with_the_peers_or_differs_as_stated(string folder) => Run(GoldenCase.Edges(folder));

    [Fact]
    public void A_case_of_unknown_kind_is_refused() =>
        Assert.Throws<InvalidDataException>(() =>
            Expect(new("x", "margin_softmax", zeros(2, 1, 2), zeros(2, ScalarType.Int64), 0, null, 1, default)));

    [Fact]
    public void An_empty_folder_fails()
    {
        var folder = Directory.CreateTempSubdirectory();
        File.WriteAllText(Path.Combine(folder.FullName, "index.json"), "[]");
        Assert.ThrowsAny<Exception>(() => Run(GoldenCase.Batches(folder.FullName)));
        folder.Delete(recursive: true);
    }

    private void Run(IEnumerable<GoldenCase> cases)
    {
        var groups = new SortedDictionary<string, int>();
        var failures = new List<string>();
        var (tiled, left) = (0, 0);
        foreach (var golden in cases)
        {
            using var scope = NewDisposeScope();
            var expected = Expect(golden);
            foreach (var dtype in new[] { ScalarType.Float64, ScalarType.Float32 })
                failures.AddRange(Differences(golden, expected, dtype).Select(d => $"{golden.Name} {dtype}: {d}"));
            if (expected.Formula is { } formula && !expected.ValueOnly)
            {
                if (ByTiles(golden, expected, formula) is { } result)
                {
                    failures.AddRange(TiledDifferences(golden, expected, result).Select(d => $"{golden.Name} tiled: {d}"));
                    tiled++;
                }
                else if (formula.Temperature >= 0.05)
                    failures.Add($"{golden.Name}: the kernel left a temperature of {formula.Temperature} to the op graph");
                else
                    left++;
            }
            groups[Group(golden.Key)] = groups.GetValueOrDefault(Group(golden.Key)) + 1;
        }
        foreach (var (group, count) in groups)
            output.WriteLine($"{group}: {count} cases");
        output.WriteLine($"by the tiled kernel: {tiled} cases; too cold for it: {left}");
        Assert.True(tiled > left, "The kernel left most cases to the op graph.");
        Assert.NotEmpty(groups);
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static string Group(string key) => HclKey().IsMatch(key) ? "hcl_hard" : key.Split("_b")[0].Split("_m")[0];

    private static IEnumerable<string> Differences(GoldenCase golden, Expectation expected, ScalarType dtype)
    {
        var leaf = golden.Embeddings.to_type(dtype).detach().requires_grad_();
        var actual = expected.Ours(Flat(leaf));
        var value = actual.to_type(ScalarType.Float64).item<double>();
        if (!double.IsFinite(expected.Value))
        {
            if (!double.IsNaN(value))
                yield return $"{value} is not NaN";
            yield break;
        }
        var single = dtype == ScalarType.Float32;
        // At τ = 0.01 s is known to 1e-5 in float32, and the peer's float32 is NaN; elsewhere the golden README's tolerances hold.
        var rounding = single && golden.Temperature <= 0.01 ? 1e-7 / golden.Temperature : 0;
        if (!(Math.Abs(value - expected.Value) <= (single ? 1e-5 : 1e-10) * Math.Abs(expected.Value) + (single ? 1e-6 : 1e-12) + rounding))
            yield return $"value {value:R} is not {expected.Value:R}";
        if (expected.ValueOnly)
            yield break;
        actual.backward();
        var largest = golden.Gradient!.abs().max().item<double>();
        var error = (leaf.grad!.to_type(ScalarType.Float64) - golden.Gradient).abs().max().item<double>();
        if (!(error <= (single ? 2e-5 * largest + 1e-7 : 1e-9 * largest + 1e-12) + rounding))
            yield return $"gradient differs by {error:R}, largest {largest:R}";
    }

    /// <param name="Ours">Our loss of the flattened rows, converted to the peer's formula.</param>
    /// <param name="Value">What it must be; NaN where ours is undefined.</param>
    /// <param name="ValueOnly">Where we differ from the peer by design, there is no gradient to compare.</param>
    /// <param name="Formula">Ours as a member of the family, for the tiled kernel; null where it is none.</param>
    /// <param name="Labels">With it: who is whose positive.</param>
    /// <param name="Factor">With it: ours × factor is the peer's.</param>
    /// <param name="Anchors">With it: the first so many rows are the anchors, against all; 0 for all rows.</param>
    private sealed record Expectation(Func<Tensor, Tensor> Ours, double Value, bool ValueOnly = false, PairFormula? Formula = null,
        Tensor? Labels = null, double Factor = 1, long Anchors = 0);

    // The same case by the kernel, where it takes the temperature.
    private static PairResult? ByTiles(GoldenCase golden, Expectation expected, PairFormula formula)
    {
        var rows = Flat(golden.Embeddings).to_type(ScalarType.Float32).contiguous();
        return TiledPairs.Compute(rows,
            new(expected.Labels!, null, 0, expected.Anchors > 0 ? expected.Anchors : rows.shape[0]), formula, 1);
    }

    private static IEnumerable<string> TiledDifferences(GoldenCase golden, Expectation expected, PairResult tiled)
    {
        if (double.IsNaN(expected.Value))
        {
            if (!double.IsNaN(tiled.Loss))
                yield return $"{tiled.Loss} is not NaN";
            yield break;
        }
        if (!(Math.Abs(tiled.Loss * expected.Factor - expected.Value) <= 1e-5 * Math.Abs(expected.Value) + 1e-6))
            yield return $"value {tiled.Loss * expected.Factor:R} is not {expected.Value:R}";
        var exact = Flat(golden.Gradient!);
        var largest = exact.abs().max().item<double>();
        var error = (tiled.Gradient.to_type(ScalarType.Float64) * expected.Factor - exact).abs().max().item<double>();
        if (!(error <= 2e-5 * largest + 1e-7))
            yield return $"gradient differs by {error:R}, largest {largest:R}";
    }

    private static Tensor Flat(Tensor views) => views.permute(1, 0, 2).reshape(-1, views.shape[2]);                 // view-major

    // The table of conversions. README.md of the golden data describes how each peer averages; docs/method.md says what we do differently.
    private static Expectation Expect(GoldenCase golden)
    {
        var key = golden.Key;
        var tau = golden.Temperature;
        var images = arange(golden.Images).repeat(golden.Views);
        var classes = golden.Labels?.repeat(golden.Views) ?? images;
        var counts = classes.data<long>().GroupBy(l => l).ToDictionary(g => g.Key, g => g.Count());
        double all = classes.shape[0], valid = counts.Values.Where(c => c > 1).Sum();
        var (noPositives, noNegatives) = (valid == 0, counts.Count == 1);
        var value = golden.Value ?? double.NaN;

        if (key.StartsWith("schane", StringComparison.Ordinal))
        {
            var arguments = golden.Arguments;
            var loss = new SchaneLoss
            {
                Temperature = tau,
                Beta = arguments.GetProperty("beta").GetDouble(),
                Placement = Enum.Parse<Placement>(arguments.GetProperty("variant").GetString()!, ignoreCase: true),
                DetachWeights = arguments.GetProperty("w_detached").GetBoolean(),
            };
            return new(rows => loss.Compute(rows, classes), value, Formula: loss.Formula, Labels: classes);
        }

        if (key.StartsWith("hcl", StringComparison.Ordinal))
        {
            var arguments = golden.Arguments;
            var easy = arguments.GetProperty("estimator").GetString() == "easy";
            var loss = new HclLoss
            {
                Temperature = tau,
                Estimator = easy ? HclEstimator.Easy : HclEstimator.Hard,
                Beta = easy ? 1 : arguments.GetProperty("beta").GetDouble(),
                TauPlus = easy ? 0 : arguments.GetProperty("tau_plus").GetDouble(),
            };
            return golden.Images == 1
                ? new(rows => loss.Compute(rows, images), 0, ValueOnly: true)                    // peer: NaN
                : new(rows => loss.Compute(rows, images), value, Formula: loss.Formula, Labels: images);
        }

        if (key.StartsWith("pml_triplet", StringComparison.Ordinal))
        {
            var loss = new TripletLoss { Margin = golden.Arguments.TryGetProperty("margin", out var margin) ? margin.GetDouble() : 0.2 };
            return new(rows => loss.Compute(rows, classes), noPositives || noNegatives ? double.NaN : value);    // peer: 0
        }

        if (key.StartsWith("pml_ntxent", StringComparison.Ordinal))
        {
            // The mean over pairs, each against the negatives alone: not a member of ours, but SimCLR with two views and negatives.
            var labels = key == "pml_ntxent_simclr" ? images : classes;
            return key == "pml_ntxent_simclr" && golden is { Views: 2, Images: > 1 }
                ? new(rows => new SimClrLoss { Temperature = tau }.Compute(rows, labels), value, Formula: new(tau), Labels: labels)
                : new(rows => PeerFormulas.NtXentOverPairs(nn.functional.normalize(rows), labels.data<long>().ToArray(), tau), value);
        }

        var supCon = new SupConLoss { Temperature = tau };
        if (key.StartsWith("pml_supcon", StringComparison.Ordinal))
        {
            return noPositives ? new(rows => supCon.Compute(rows, classes), double.NaN)          // peer: 0
                : noNegatives ? new(rows => supCon.Compute(rows, classes) * 0, 0)                // peer: 0; ours is defined
                : new(rows => supCon.Compute(rows, classes), value, Formula: supCon.Formula, Labels: classes);
        }
        if (key is "simclr" or "simclr_V1")
            // peer: 0
            return new(rows => new SimClrLoss { Temperature = tau }.Compute(rows, images), golden.Views == 1 ? double.NaN : value,
                Formula: supCon.Formula, Labels: images);
        if (key == "supcon_one")
            return new(rows => FirstView(rows, classes, golden.Images, tau), value, Formula: supCon.Formula, Labels: classes,
                Factor: valid / golden.Images, Anchors: golden.Images);
        if (key == "supcon_base")
        {
            var factor = tau / golden.Arguments.GetProperty("base_temperature").GetDouble() * valid / all;
            return new(rows => supCon.Compute(rows, classes) * factor, value, Formula: supCon.Formula, Labels: classes, Factor: factor);
        }
        if (key == "supcon"
            || (key.StartsWith("supcon_", StringComparison.Ordinal) && golden.Name.StartsWith("edge_cases:", StringComparison.Ordinal)))
            // peer: 0, NaN for one row
            return new(rows => supCon.Compute(rows, classes) * (valid / all), noPositives ? double.NaN : value, Formula: supCon.Formula,
                Labels: classes, Factor: valid / all);
        throw new InvalidDataException($"{golden.Name} is of a kind that this table does not know.");
    }

    // contrast_mode='one': the rows of the first view are the anchors, against all rows.
    private static Tensor FirstView(Tensor rows, Tensor classes, long images, double tau)
    {
        using var pairs = PairWeights.From(classes);
        return PairGraph.Share(PairLoss.Units(rows), pairs, new(tau), 0, images) * (pairs.TotalWeight / images);
    }

    [GeneratedRegex(@"^hcl_(hard_tp|N1|tau|aligned)")]
    private static partial Regex HclKey();
}
