using Schane.Tests.Data;

namespace Schane.Tests.Samples;

[Trait("Long", "1"), Trait("Slow", "1")]
public class OwnLossTests
{
    [Fact]
    public void A_program_trains_with_a_loss_of_its_own_by_name_and_by_object_and_resumes_it_to_the_same_weights()
    {
        using var folder = new TemporaryFolder();
        var told = SampleProgram.Run("OwnLoss", folder.Path);
        Assert.Equal(3, told.Split("multi-similarity").Length - 1);
        byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(folder.Path, run, "model.safetensors"));
        Assert.Equal(Weights("by-name"), Weights("by-object"));
        Assert.Equal(Weights("by-name"), Weights("resumed"));
        var recipe = File.ReadAllText(Path.Combine(folder.Path, "by-object", "recipe.yaml"));
        Assert.Contains("loss: multi-similarity\n", recipe);
        Assert.Contains("beta: 40\n", recipe);
        Assert.Contains("threshold: 0.4\n", recipe);
        Assert.DoesNotContain("temperature", recipe);
    }
}
