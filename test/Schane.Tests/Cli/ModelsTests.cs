using Schane.Tests.Data;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class ModelsTests
{
    [Fact]
    public void The_list_has_every_name_of_the_registry()
    {
        var names = SchaneProgram.Run("models", "list", "--json").Done().Document().EnumerateArray()
            .Select(m => m.GetProperty("info").GetProperty("name").GetString()!);
        Assert.Equal(Schane.Models.ModelRegistry.Names, names);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void The_list_says_what_fits_what_it_starts_from_and_in_which_order()
    {
        using var cache = new TemporaryFolder();
        (string, string)[] environment = [("SCHANE_CACHE", cache.Path)];
        var listed = SchaneProgram.RunWith(environment, "models", "list", "--with-weights", "--sort", "gflops", "--json").Done()
            .Document().EnumerateArray().ToList();
        Assert.DoesNotContain(listed, m => m.GetProperty("weights_from").GetString() is null);
        var cost = listed.Select(m => m.GetProperty("multiply_adds").GetInt64()).ToList();
        Assert.Equal(cost.Order(), cost);
        // The rate was measured once and is kept: a model passes as many images as its multiply-adds allow.
        var rate = File.ReadAllText(Path.Combine(cache.Path, "rate.json"));
        var perSecond = System.Text.Json.JsonDocument.Parse(rate).RootElement.GetProperty("MultiplyAdds").GetDouble();
        Assert.All(listed, m => Assert.Equal(perSecond / m.GetProperty("multiply_adds").GetInt64(),
            m.GetProperty("images_per_second").GetDouble(), 1e-6 * perSecond));

        var table = SchaneProgram.RunWith(environment, "models", "list").Done().Output;
        Assert.Matches(@"resnet20_cntk +15\.9 +4\.\d +512 +[\d.]+ +nuget\* MIT", table);
        Assert.Matches(@"schane_tiny .* embedded\*", table);
        Assert.Matches(@"vit_base_patch16_224 +85\.8 +35 +768 +[\d.]+ +hf Apache-2\.0", table);
        var seconds = 10 * 1000 / listed[3].GetProperty("images_per_second").GetDouble();
        var fitting = SchaneProgram.RunWith(environment, "models", "list", "--fits", $"{Math.Ceiling(seconds)}s", "--with-weights",
            "--json").Done().Document().EnumerateArray().Count();
        Assert.InRange(fitting, 4, listed.Count - 1);
        Assert.Equal(rate, File.ReadAllText(Path.Combine(cache.Path, "rate.json")));
        File.WriteAllText(Path.Combine(cache.Path, "rate.json"), "{ }");
        SchaneProgram.RunWith(environment, "models", "list", "--measure").Done();
        Assert.NotEqual("{ }", File.ReadAllText(Path.Combine(cache.Path, "rate.json")));
        Assert.Contains("--sort must be one of name, parameters",
            SchaneProgram.RunWith(environment, "models", "list", "--sort", "size").Refusal());
        Assert.Contains("--fits", SchaneProgram.RunWith(environment, "models", "list", "--fits", "soon").Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Weights_of_the_restored_package_are_fetched_without_a_network_and_written_in_half()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "w.safetensors");
        var said = SchaneProgram.RunWith([("SCHANE_CACHE", folder.Path)], "models", "fetch", "resnet20_cntk", "--offline", "--half",
            "--out", file, "--json").Done().Document();
        Assert.Equal("MIT", said.GetProperty("license").GetString());
        Assert.Contains("#sha256=e2552f19", said.GetProperty("reference").GetString());
        Assert.InRange(new FileInfo(file).Length, 31_700_000, 32_000_000);
        using var weights = Schane.Checkpoints.Safetensors.Open(file);
        Assert.Equal(TorchSharp.torch.ScalarType.Float16, weights.TypeOf("conv1.weight"));
        Assert.Equal(TorchSharp.torch.ScalarType.Float32, weights.TypeOf("bn1.running_var"));
        Assert.Contains("No published weights are known for 'convnet4'", SchaneProgram.Run("models", "fetch", "convnet4").Refusal());
    }

    [Fact]
    public void Resnet18_has_the_parameters_of_the_paper_without_its_head()
    {
        var shown = SchaneProgram.Run("models", "show", "ResNet18", "--json").Done().Document();
        Assert.Equal(11_689_512 - (512 * 1000 + 1000), shown.GetProperty("parameters").GetInt64());
        Assert.InRange(shown.GetProperty("multiply_adds").GetInt64() / 1e9, 1.81, 1.83);
        Assert.Equal(("hf:timm/resnet18.a1_in1k", "Apache-2.0"), (shown.GetProperty("info").GetProperty("weights").GetString(),
            shown.GetProperty("info").GetProperty("weights_license").GetString()));
        var table = SchaneProgram.Run("models", "show", "resnet18").Done().Output;
        foreach (var words in (string[])["1.81", "GFLOPs", "hf:timm/resnet18.a1_in1k, licence Apache-2.0", "arXiv:1512.03385", "0.485"])
            Assert.Contains(words, table);
    }

    [Fact]
    public void A_misspelt_model_is_answered_with_the_nearest_names() =>
        Assert.Contains("resnet18", SchaneProgram.Run("models", "show", "resnet81").Refusal());
}
