using Schane.Losses;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>GradCache's parameters gradients, from ours at the embeddings; and the identities that the golden folder states.</summary>
public class GoldenSeamTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("losses", "gradcache.json");

    [Theory, MemberData(nameof(Folders))]
    public void Back_propagating_chunks_from_our_gradients_gives_GradCaches_parameter_gradients(string folder)
    {
        var tensors = TensorFile.Read(Path.Combine(folder, "gradcache.safetensors"));
        var cases = GoldenCase.Json(Path.Combine(folder, "gradcache.json")).EnumerateArray().ToList();
        foreach (var entry in cases)
        {
            using var scope = NewDisposeScope();
            var key = entry.GetProperty("key").GetString()!;
            string[] names = ["w1", "b1", "w2", "b2"];
            var parameters = names.Select(n => tensors[$"{key}.{n}"].detach().requires_grad_()).ToArray();
            Tensor Forward(Tensor x) => nn.functional.linear(nn.functional.relu(nn.functional.linear(x, parameters[0], parameters[1])),
                parameters[2], parameters[3]);

            var inputs = cat([tensors[$"{key}.view1"], tensors[$"{key}.view2"]]);
            var objective = new JointObjective(
                new JointOptions { Loss = new SupConLoss { Temperature = entry.GetProperty("tau").GetDouble() }, Lambda = 1 });
            Tensor embeddings;
            using (no_grad())
                embeddings = Forward(inputs);
            using var step = objective.Compute(embeddings, null, tensors[$"{key}.labels"].repeat(2));
            var chunk = entry.GetProperty("chunk").GetInt64();
            for (long at = 0; at < inputs.shape[0]; at += chunk)
            {
                var count = Math.Min(chunk, inputs.shape[0] - at);
                Forward(inputs.narrow(0, at, count)).backward([step.EmbeddingGradient!.narrow(0, at, count)]);
            }
            Assert.Equal(entry.GetProperty("loss_cached").GetDouble(), step.Total, 1e-12);
            for (var p = 0; p < names.Length; p++)
                Assert.True((parameters[p].grad! - tensors[$"{key}.grad_cached.{names[p]}"]).abs().max().item<double>() < 1e-12,
                    $"{key}.{names[p]}");
        }
        output.WriteLine($"gradcache: {cases.Count} cases");
        Assert.NotEmpty(cases);
    }

    [Theory, MemberData(nameof(Folders))]
    public void The_identities_between_members_hold(string folder)
    {
        var batches = GoldenCase.Json(Path.Combine(folder, "index.json")).EnumerateArray()
            .ToDictionary(b => b.GetProperty("case").GetString()!);
        var checks = GoldenCase.Json(Path.Combine(folder, "checks.json")).EnumerateArray().ToList();
        foreach (var check in checks)
        {
            using var scope = NewDisposeScope();
            var batch = batches[check.GetProperty("case").GetString()!];
            var tensors = TensorFile.Read(Path.Combine(folder, batch.GetProperty("file").GetString()!));
            var embeddings = tensors["emb64"];
            var (images, views, tau) = (embeddings.shape[0], embeddings.shape[1], batch.GetProperty("tau").GetDouble());
            var rows = embeddings.permute(1, 0, 2).reshape(images * views, -1);
            var name = check.GetProperty("check").GetString()!;
            var value = name switch
            {
                _ when name.StartsWith("schane outside beta=0 *", StringComparison.Ordinal) =>
                    new SchaneLoss { Temperature = tau, Beta = 0 }.Compute(rows,
                        tensors["labels"].repeat(views)) * (check.GetProperty("valid").GetDouble() / check.GetProperty("all").GetDouble()),
                _ when name.StartsWith("schane outside with labels=arange(N) == HCL hard", StringComparison.Ordinal) =>
                    new HclLoss { Temperature = tau, Beta = check.GetProperty("beta").GetDouble(), TauPlus = 0 }.Compute(rows,
                        arange(images).repeat(views)),
                _ => throw new InvalidDataException($"checks.json: '{name}' is of unknown kind."),
            };
            Assert.Equal(check.GetProperty("lhs").GetDouble(), value.item<double>(), 1e-10);
        }
        output.WriteLine($"checks: {checks.Count} cases");
        Assert.NotEmpty(checks);
    }
}
