namespace Schane.Tests.Cli;

public class ModelsTests
{
    [Fact]
    public void The_list_has_every_name_of_the_registry()
    {
        var names = SchaneProgram.Run("models", "list", "--json").Done().Document().EnumerateArray().Select(m => m.GetProperty("name").GetString()!);
        Assert.Equal(Schane.Models.ModelRegistry.Names, names);
    }

    [Fact]
    public void Resnet18_has_the_parameters_of_the_paper_without_its_head()
    {
        var shown = SchaneProgram.Run("models", "show", "ResNet18", "--json").Done().Document();
        Assert.Equal(11_689_512 - (512 * 1000 + 1000), shown.GetProperty("parameters").GetInt64());
        Assert.InRange(shown.GetProperty("multiply_adds").GetInt64() / 1e9, 1.81, 1.83);
        Assert.Equal(("hf:timm/resnet18.a1_in1k", "Apache-2.0"), (shown.GetProperty("info").GetProperty("weights").GetString(), shown.GetProperty("info").GetProperty("weights_license").GetString()));
        var table = SchaneProgram.Run("models", "show", "resnet18").Done().Errors;
        foreach (var words in (string[])["1.81", "GFLOPs", "hf:timm/resnet18.a1_in1k, licence Apache-2.0", "arXiv:1512.03385", "0.485"])
            Assert.Contains(words, table);
    }

    [Fact]
    public void A_misspelt_model_is_answered_with_the_nearest_names() =>
        Assert.Contains("resnet18", SchaneProgram.Run("models", "show", "resnet81").Refusal());
}
