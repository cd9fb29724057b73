using Schane.Tests.Data;
using Schane.Tests.Data.Feeding;
using Schane.Tests.Data.Transforms;
using Schane.Tests.Evaluation;
using Schane.Tests.Evaluation.Episodes;
using Schane.Tests.Export;
using Schane.Tests.Losses;
using Schane.Tests.Models;
using Schane.Tests.Training;

namespace Schane.Tests.Generated;

/// <summary>The golden tests on more folders of random configurations than the one that they always run on.</summary>
public class GeneratedGoldenTests(ITestOutputHelper output)
{
    private const int Folders = 12;

    [Fact, Trait("Slow", "1")]
    public void The_golden_tests_pass_on_folders_of_other_random_configurations()
    {
        var (failures, cases) = (new List<string>(), 0);
        for (var seed = 2; seed < 2 + Folders; seed++)
        {
            var folder = GeneratedFolder.Make(seed);
            void Try(string what, Action test)
            {
                cases++;
                try
                {
                    test();
                }
                catch (Exception e)
                {
                    failures.Add($"seed {seed}, {what}: {e.Message}");
                }
            }
            foreach (var name in Directory.GetFiles(Path.Combine(folder, "models"), "*.json").Select(f => f[..^".json".Length]))
            {
                Try(name, () => Using(new GoldenModelTests(output), t => t.Computes_what_the_peer_computes(name)));
                Try(name, () => Using(new GoldenModelTests(output), t => t.Writes_names_and_shapes_that_the_peer_reads(name)));
                Try(name, () => Using(new GoldenModelTests(output),
                    t => t.Gives_the_same_gradients_where_blocks_are_run_again_in_the_backward_pass(name)));
                if (GoldenModel.Open(name).Facts.TryGetProperty("train", out _))
                    Try(name, () => Using(new GoldenModelTests(output), t => t.Trains_as_the_peer_does(name)));
                Try($"{name}.onnx", () => new GoldenExportTests().ONNX_Runtime_computes_what_the_peer_computes(name));
            }
            Try("traces",
                () => new OptimizerTests(output).Every_trace_of_torch_is_followed_to_twelve_digits(Path.Combine(folder, "optim")));
            var decays = Path.Combine(folder, "optim", "timm_layer_decay.json");
            for (var number = 0; number < LayerDecayTests.Count(decays); number++)
                Try($"layer decay {number}", () => new LayerDecayTests().Groups_parameters_as_timm_does(decays, number));
            foreach (var file in Directory.GetFiles(Path.Combine(folder, "optim"), "beit3_layer_decay_*.json"))
                Try(file, () => new LayerDecayTests().Groups_BEiT_3_as_unilm_does_under_both_kinds_of_names(file));
            Try("cross-entropy", () =>
                new GoldenCrossEntropyTests(output).Every_case_agrees_with_the_peers_in_float64_and_float32(
                    Path.Combine(folder, "losses")));
            Try("schedules", () => new RateScheduleTests(output).Equals_unilm_step_by_step(Path.Combine(folder, "optim")));
            Try("mixing", () => new BatchMixerTests().Mixes_as_timm_does(Path.Combine(folder, "optim")));
            Try("neighbours", () =>
                new GoldenFewShotTests().Predictions_of_nearest_rows_and_prototypes_are_those_of_rfs(Path.Combine(folder, "fewshot")));
            Try("regression",
                () => new GoldenFewShotTests().Logistic_regression_finds_the_converged_probabilities_and_rfs_predictions_but_two(
                    Path.Combine(folder, "fewshot")));
            Try("losses",
                () => new GoldenTests(output).Every_batch_agrees_with_the_peers_in_float64_and_float32(Path.Combine(folder, "losses")));
            Try("classification",
                () => new GoldenClassificationTests().Agrees_with_scikit_learn_on_every_case(Path.Combine(folder, "metrics")));
            Try("sizes", () => new ResizeGoldenTests().Sizes_are_torchvisions(folder));
            Try("offsets", () => new ResizeGoldenTests().Crop_offsets_are_torchvisions(folder));
            Try("strengths", () => new AugmentGoldenTests().The_levels_of_strength_are_torchvisions(folder));
            foreach (var (list, key, call) in Keys(folder))
                Try(key, () => Transform(folder, list, key, call));
        }
        output.WriteLine($"{cases} cases in {Folders} folders");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static IEnumerable<(string List, string Key, string Call)> Keys(string folder) =>
        new[] { "resize", "colour_ops", "randaugment_ops" }.SelectMany(list =>
        GoldenImages.Of(folder).Index.GetProperty(list).EnumerateArray()
            .Select(e => (list, e.GetProperty("key").GetString()!, e.TryGetProperty("call", out var call) ? call.GetString()! : "")));

    private static void Transform(string folder, string list, string key, string call)
    {
        if (list == "randaugment_ops")
            new AugmentGoldenTests().Operations_are_torchvisions_on_Pillow(folder, key);
        else if (list == "resize" && key.StartsWith("tensor", StringComparison.Ordinal))
            new TensorTransformTests().Resizes_as_torchvision_does(folder, key);
        else if (list == "resize")
            new ResizeGoldenTests().Resizes_as_Pillow_does(folder, key);
        else if (call.StartsWith("resized_crop", StringComparison.Ordinal))
            new ResizeGoldenTests().A_box_is_cut_out_and_resized_as_Pillow_does(folder, key);
        else
            new AugmentGoldenTests().Colours_change_as_on_Pillow(folder, key);
    }

    private static void Using<T>(T test, Action<T> act) where T : IDisposable
    {
        using (test)
            act(test);
    }
}
