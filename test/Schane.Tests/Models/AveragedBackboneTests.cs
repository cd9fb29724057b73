using Schane.Export;
using Schane.Inference;
using Schane.Jobs.Averages;
using Schane.Models;
using Schane.Tests.Data;
using Schane.Tests.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Several nets and several views as one net.</summary>
public sealed class AveragedBackboneTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    /// <summary>One of each family.</summary>
    public static TheoryData<string, int> Families => new()
    {
        { "resnet18_small", 32 },
        { "convnext_atto", 32 },
        { "vit_tiny_patch16_224:patch=8,width=24,depth=2,heads=3", 32 },
        { "beit_base_patch16_224:patch=8,width=24,depth=2,heads=3", 32 },
        { "swin_tiny_patch4_window7_224:width=24,depths=1-1-1-1,heads=1-2-4-8", 32 },
    };

    public void Dispose() => scope.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void An_ensemble_answers_the_mean_over_its_members_and_the_views_in_onnx_too(string name, int size)
    {
        RunModel[] members = [Member(name, size, 1), Member(name, size, 2)];
        using var whole = AveragedModels.Ensemble(members, views: 4);
        var images = rand(3, 3, size, size);
        // The views by hand: as it is, mirrored, and both with each pixel a sixteenth further down and right.
        Tensor[] shown = [images, images.flip(3), Moved(images), Moved(images).flip(3)];
        using var _ = no_grad();
        var answers = members.SelectMany(member => shown.Select(view => member.Classifier.Forward(view).Logits)).ToList();
        var expected = stack(answers).mean([0]);
        var found = whole.Classifier.Forward(images);
        Assert.True((expected - found.Logits).abs().max().item<float>() <= 1e-5 * expected.abs().max().item<float>());
        Assert.Equal(2 * members[0].Classifier.Backbone.Info.EmbeddingWidth, found.Embeddings.shape[1]);

        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "mean.onnx");
        OnnxExport.Write(whole.Classifier, file, Exported.Metadata(whole.Classifier), new());
        using var onnx = OnnxModel.Open(file, threads: 1);
        var (_, logits) = onnx.Run(Schane.Tensors.Copy.Floats(images), 3);
        Assert.True((expected.flatten() - tensor(logits)).abs().max().item<float>() <= 1e-5 * expected.abs().max().item<float>());

        static Tensor Moved(Tensor images)
        {
            var step = images.shape[3] / 16;
            return nn.functional.pad(images, [step, 0, step, 0], PaddingModes.Replicate)
                .narrow(2, 0, images.shape[2]).narrow(3, 0, images.shape[3]);
        }
    }

    [Fact]
    public void Views_take_the_pixels_that_a_pencil_says()
    {
        Assert.Equal((null, null), ImageViews.Places(0, 16, mirrors: true));
        var (rows, columns) = ImageViews.Places(3, 16, mirrors: true);
        Assert.Equal([0L, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], rows!);
        Assert.Equal([14L, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0], columns!);
        (rows, columns) = ImageViews.Places(4, 16, mirrors: false);
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15], rows!);
        Assert.Equal([0L, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], columns!);
        Assert.Equal((10, 5), (ImageViews.Most(mirrors: true), ImageViews.Most(mirrors: false)));
        var all = Enumerable.Range(0, 10).Select(view => ImageViews.Of(arange(256).view(1, 1, 16, 16), view, mirrors: true)).ToList();
        Assert.All(all, one => Assert.Single(all, other => other.Equals(one)));
    }

    [Fact]
    public void A_soup_has_the_mean_of_each_number()
    {
        RunModel[] members = [Member("resnet18_small", 32, 1), Member("resnet18_small", 32, 2), Member("resnet18_small", 32, 3)];
        using var soup = AveragedModels.Soup(members);
        var states = members.Select(member => member.Classifier.StateDict()).ToList();
        Assert.All(soup.Classifier.StateDict().Where(tensor => tensor.Value.is_floating_point()), tensor => Assert.True(
            (tensor.Value - (states[0][tensor.Key] + states[1][tensor.Key] + states[2][tensor.Key]) / 3).abs().max().item<float>() < 1e-6,
            tensor.Key));
    }

    [Fact]
    public void Where_an_ensemble_looks_is_told_by_the_places_of_all_members()
    {
        RunModel[] members = [Member("resnet18_small", 32, 1), Member("resnet18_small", 32, 2)];
        using var whole = AveragedModels.Ensemble(members, views: 1);
        var images = rand(2, 3, 32, 32);
        using var found = ClassActivation.Of(whole.Classifier, images, (_, logits) => logits.select(1, 0).sum())!;
        // Half of each member's map, before what speaks against the class is left out.
        Assert.Equal([2L, 4, 4], found.shape);
        using var one = ClassActivation.Of(members[0].Classifier, images, (_, logits) => logits.select(1, 0).sum())!;
        Assert.Equal(one.shape, found.shape);
        Assert.True(found.max().item<float>() > 0);
    }

    [Theory]
    [InlineData("resnet18:views=11", "There are 10 views")]
    [InlineData("resnet18:views=6,mirror=off", "There are 5 views of an image that isn't mirrored")]
    [InlineData("resnet18:members=0", "members")]
    [InlineData("deit_tiny_distilled_patch16_224:members=2", "can't be averaged")]
    public void What_has_no_mean_is_refused_in_words(string name, string words) =>
        Assert.Contains(words, Assert.Throws<SchaneException>(() => ModelRegistry.Create(name, 0)).Message);

    private static RunModel Member(string name, int size, long seed)
    {
        var model = new ImageClassifier(ModelRegistry.Create(name, seed, inputSize: size), 3, new() { Seed = seed });
        model.eval();
        return new(model, ["a", "b", "c"], "light");
    }
}
