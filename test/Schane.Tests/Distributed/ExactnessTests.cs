using Schane.Checkpoints;
using Schane.Distributed;
using Schane.Tests.Data;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

/// <summary>N ranks end where one process does, negatives included: real ranks of each MPI against this process alone.</summary>
public sealed class ExactnessTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>Two ranks under one launcher and three under the other: what goes over the wire is the same under both.</summary>
    public static TheoryData<string, int> Worlds =>
        [.. Mpirun.Worlds(2, 3).Where(row => row.Data is (Needs.Mpich, 2) or (Needs.OpenMpi, 3))];

    public void Dispose() => folder.Dispose();

    [Theory, MemberData(nameof(Worlds)), Trait("Slow", "1")]
    public void Weights_after_20_steps_are_those_of_one_process_to_1e_12_in_double_precision(string kind, int ranks)
    {
        Mpirun.Run(kind, ranks, ["train", "Float64", folder.Path]).Done();
        using var scope = NewDisposeScope();
        foreach (var name in SharedCases.All.Keys)
        {
            SharedCases.Train(name, ScalarType.Float64, At("alone"), new SingleProcess());
            using var alone = Safetensors.Open(At("alone"));
            using var shared = Safetensors.Open(At(name));
            foreach (var tensor in alone.Names)
            {
                var (expected, found) = (alone.Read(tensor).to(ScalarType.Float64), shared.Read(tensor).to(ScalarType.Float64));
                Assert.Equal(expected.shape, found.shape);                // as many steps and evaluations
                if (expected.numel() == 0)
                    continue;
                var allowed = tensor == "evaluations" ? 1e-6              // made from outputs in single precision
                    : SharedCases.All[name].Patience is null ? 1e-12 : 1e-9;   // a rate that soon makes things worse lets rounding grow
                Assert.True((expected - found).abs().max().item<double>() <= allowed,
                    $"{name}: {tensor} differs by {(expected - found).abs().max().item<double>():E1}");
            }
            var steps = alone.ShapeOf("losses")[0];
            Assert.True(SharedCases.All[name] is { Patience: null, Steps: var all } ? steps == all : steps is > 4 and < 60,
                $"{name}: {steps} steps");
        }
    }

    [Theory, MemberData(nameof(Worlds)), Trait("Slow", "1")]
    public void In_single_precision_every_step_has_the_loss_of_one_process_to_1e_5_and_the_first_its_gradient_to_1e_6(string kind,
        int ranks)
    {
        Mpirun.Run(kind, ranks, ["train", "Float32", folder.Path]).Done();
        using var scope = NewDisposeScope();
        foreach (var name in SharedCases.All.Keys.Where(n => SharedCases.All[n].Patience is null))   // when to stop hangs on the last digit
        {
            SharedCases.Train(name, ScalarType.Float32, At("alone"), new SingleProcess());
            using var alone = Safetensors.Open(At("alone"));
            using var shared = Safetensors.Open(At(name));
            var (losses, found) = (alone.Read("losses"), shared.Read("losses"));
            Assert.Equal([(long)SharedCases.All[name].Steps!], losses.shape);
            Assert.True((losses - found).abs().max().item<double>() <= 1e-5,
                $"{name}: a loss differs by {(losses - found).abs().max().item<double>():E1}");
            SharedCases.Gradient(name, At("alone gradient"), new SingleProcess());
            using var gradient = Safetensors.Open(At("alone gradient"));
            using var other = Safetensors.Open(At($"{name} gradient"));
            var global = Math.Sqrt(gradient.Names.Sum(n => Math.Pow(gradient.Read(n).norm().item<float>(), 2)));
            foreach (var parameter in gradient.Names)
            {
                var (expected, got) = (gradient.Read(parameter), other.Read(parameter));
                // batch norm divides small differences by small deviations
                var share = SharedCases.All[name].SyncBatchnorm ? 5e-6 : 1e-6;
                var bound = share * Math.Max(expected.norm().item<float>(), global);
                Assert.True((expected - got).norm().item<float>() <= bound,
                    $"{name}: the gradient of {parameter} differs by {(expected - got).norm().item<float>():E1}, allowed {bound:E1}");
            }
        }
    }

    [Theory, MemberData(nameof(Worlds)), Trait("Slow", "1")]
    public void Evaluation_shared_by_ranks_gives_embeddings_logits_and_metrics_of_one_to_the_last_bit(string kind, int ranks)
    {
        Mpirun.Run(kind, 1, ["judge", folder.Path]).Done();
        Mpirun.Run(kind, ranks, ["judge", folder.Path]).Done();
        Assert.Equal(File.ReadAllBytes(At("judged by 1")), File.ReadAllBytes(At($"judged by {ranks}")));
        using var scope = NewDisposeScope();
        using var judged = Safetensors.Open(At($"judged by {ranks}"));
        Assert.Equal([300L], judged.ShapeOf("images"));
        Assert.Equal([5L], judged.ShapeOf("metrics"));
    }

    private string At(string name) => Path.Combine(folder.Path, $"{name}.safetensors");
}
