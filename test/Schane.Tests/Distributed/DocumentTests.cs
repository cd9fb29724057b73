using System.Runtime.CompilerServices;
using YamlDotNet.RepresentationModel;

namespace Schane.Tests.Distributed;

/// <summary>What docs/distributed.md says and shows.</summary>
public class DocumentTests
{
    [Fact]
    public void The_table_of_expected_scaling_is_what_the_model_says()
    {
        var text = File.ReadAllText(InDocs("distributed.md"));
        foreach (var row in new ScalingModel().Table())
            Assert.Contains(row, text);
    }

    [Fact]
    public void Two_gpus_of_a_machine_take_what_a_pencil_says()
    {
        var model = new ScalingModel
        {
            Parameters = 75e6, FlopsPerImage = 1e10, Batch = 100, Width = 500, Compute = 3e14, LossCompute = 4e13, Memory = 1e12,
            LossBytesPerPair = 100, Inside = 1e11, Latency = 0
        };
        var (compute, gradients, embeddings, loss) = model.Step(2);
        Assert.Equal(0.01, compute, 1e-12);                               // 3 · 1e10 · 100 / 3e14
        Assert.Equal(0.003, gradients, 1e-12);                            // 2 · ½ · 3e8 / 1e11
        Assert.Equal(6e-6, embeddings, 1e-12);                            // 200 rows of 2000 bytes: (½ + 2 · ½) · 4e5 / 1e11
        Assert.Equal(2e-6 + 2e-6, loss, 1e-12);                           // 8 · 100 · 200 · 500 / 4e13 + 100 · 200 · 100 / 1e12
    }

    [Fact]
    public void The_manifest_for_the_mpi_operator_has_what_that_needs()
    {
        var yaml = new YamlStream();
        using (var reader = new StreamReader(InDocs("mpi-job.yaml")))
            yaml.Load(reader);
        var job = Assert.Single(yaml.Documents).RootNode;
        string At(params string[] path) => ((YamlScalarNode)path.Aggregate(job, (node, key) => node[key])).Value!;
        Assert.Equal(("kubeflow.org/v2beta1", "MPIJob"), (At("apiVersion"), At("kind")));
        Assert.Matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", At("metadata", "name"));
        var (slots, workers) = (int.Parse(At("spec", "slotsPerWorker")), int.Parse(At("spec", "mpiReplicaSpecs", "Worker", "replicas")));
        Assert.Equal("1", At("spec", "mpiReplicaSpecs", "Launcher", "replicas"));
        foreach (var role in (string[])["Launcher", "Worker"])
        {
            var pod = job["spec"]["mpiReplicaSpecs"][role]["template"]["spec"];
            var volumes = ((YamlSequenceNode)pod["volumes"]).Select(v => ((YamlScalarNode)v["name"]).Value).ToHashSet();
            foreach (var container in (YamlSequenceNode)pod["containers"])
            {
                Assert.NotEmpty(((YamlScalarNode)container["image"]).Value!);
                Assert.All((YamlSequenceNode)container["volumeMounts"],
                    mount => Assert.Contains(((YamlScalarNode)mount["name"]).Value, volumes));
            }
        }
        var launcher = job["spec"]["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"][0];
        Assert.Equal("mpirun", ((YamlScalarNode)launcher["command"][0]).Value);
        var arguments = ((YamlSequenceNode)launcher["args"]).Select(a => ((YamlScalarNode)a).Value).ToList();
        Assert.Equal($"{slots * workers}", arguments[arguments.IndexOf("-np") + 1]);
        var worker = job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0];
        Assert.Equal($"{slots}", ((YamlScalarNode)worker["resources"]["limits"]["nvidia.com/gpu"]).Value);
    }

    private static string InDocs(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", name);
}
