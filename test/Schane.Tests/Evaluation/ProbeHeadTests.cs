using Schane.Evaluation;
using Schane.Tests.Evaluation.Episodes;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation;

public class ProbeHeadTests
{
    [Fact]
    public void It_classifies_embeddings_as_they_are_and_as_scikit_learns_regression_does()
    {
        using var scope = NewDisposeScope();
        var (labels, scales) = (Some.Labels(60, 3), tensor(new double[] { 5, 1, 1, 0.2, 1, 3, 1, 1 }));
        var rows = ((Some.Clusters(labels, 8, 0.6) * scales + 4) * 2).to_type(ScalarType.Float32);
        using var head = ProbeHead.Fit(rows, tensor(labels), 3);
        var exact = rows.to_type(ScalarType.Float64);
        var scale = (exact - exact.mean([0], keepdim: true)).square().mean().item<double>();
        var dual = LogisticRegressionTests.Probabilities(
            rows, [.. labels.Select(l => (int)l)], rows, classes: 3, c: 1 / (60 * head.Lambda * scale));
        Assert.InRange((head.Logits(rows).softmax(1) - dual).abs().max().item<double>(), 0, 1e-4);
    }

    [Fact]
    public void Labels_that_mean_nothing_get_a_strong_penalty_and_classes_that_lie_apart_a_weak_one()
    {
        using var scope = NewDisposeScope();
        var labels = Some.Labels(80, 2);
        using var noise = ProbeHead.Fit(Some.Rows(80, 40), tensor(labels), 2);
        using var apart = ProbeHead.Fit(Some.Clusters(labels, 40, 0.18), tensor(labels), 2);
        Assert.True(noise.Lambda > 3 * apart.Lambda, $"{noise.Lambda} after noise, {apart.Lambda} after clusters");
        Assert.InRange(noise.Accuracy, 0.2, 0.8);
        Assert.InRange(apart.Accuracy, 0.9, 1);
    }

    [Fact]
    public void A_class_with_one_image_and_fewer_images_than_numbers_do_no_harm()
    {
        using var scope = NewDisposeScope();
        long[] labels = [0, 0, 0, 1, 1, 2];
        using var head = ProbeHead.Fit(Some.Clusters(labels, 32, 0.05), tensor(labels), 4);      // and one without any
        Assert.Equal(labels, head.Logits(Some.Clusters(labels, 32, 0.05)).argmax(1).data<long>().ToArray());
    }
}
