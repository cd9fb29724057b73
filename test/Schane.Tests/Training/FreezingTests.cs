using Schane.Models;
using Schane.Training;

namespace Schane.Tests.Training;

public sealed class FreezingTests : IDisposable
{
    private readonly ImageClassifier model = new(ModelRegistry.Create("vit_tiny_patch16_224:width=24,depth=3,heads=3", 1, inputSize: 32), 4,
        new ClassifierOptions { ProjectionWidth = 8 });

    public void Dispose() => model.Dispose();

    [Fact]
    public void A_number_freezes_the_first_layers_by_their_ids_in_layer_decay()
    {
        var freezing = new Freezing(model, "2");                                           // embedding and the first block
        Assert.All(model.NamedParameters(), p => Assert.Equal(p.Layer >= 2, p.Parameter.requires_grad));
        Assert.Contains(freezing.Trained, p => p.Name.StartsWith("blocks.1.", StringComparison.Ordinal));
        Assert.DoesNotContain(freezing.Trained,
            p => p.Name.StartsWith("blocks.0.", StringComparison.Ordinal) || p.Name.StartsWith("patch_embed", StringComparison.Ordinal));
    }

    [Fact]
    public void The_trunk_leaves_head_and_projection_and_names_freeze_what_lies_below_them()
    {
        Assert.All(new Freezing(model, "trunk").Trained, p => Assert.True(p.Name.StartsWith("head.", StringComparison.Ordinal)
            || p.Name.StartsWith("projection.", StringComparison.Ordinal), p.Name));
        var freezing = new Freezing(model, "blocks.0, head");
        Assert.DoesNotContain(freezing.Trained,
            p => p.Name.StartsWith("blocks.0.", StringComparison.Ordinal) || p.Name.StartsWith("head.", StringComparison.Ordinal));
        Assert.Contains(freezing.Trained, p => p.Name.StartsWith("blocks.1.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("blcks.0", "did you mean 'blocks.0'")]
    [InlineData("9", "more than the")]
    [InlineData("trunk,head,projection", "no such module")]
    public void What_the_model_does_not_have_is_refused(string freeze, string words) =>
        Assert.Contains(words, Assert.Throws<SchaneException>(() => new Freezing(model, freeze)).Message);

    [Fact]
    public void Nothing_left_to_train_is_refused() =>
        Assert.Contains("nothing to train", Assert.Throws<SchaneException>(() =>
            new Freezing(model, string.Join(',', model.NamedParameters().Select(p => p.Name)))).Message);
}
