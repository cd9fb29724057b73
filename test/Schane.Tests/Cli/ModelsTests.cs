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
    }

    [Fact]
    public void A_misspelt_model_is_answered_with_the_nearest_names() =>
        Assert.Contains("resnet18", SchaneProgram.Run("models", "show", "resnet81").Refusal());
}
