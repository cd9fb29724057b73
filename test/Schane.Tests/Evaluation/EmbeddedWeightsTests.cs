using Schane.Data.Sets;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Jobs;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation;

public class EmbeddedWeightsTests
{
    [Fact]
    public void They_weigh_at_most_two_megabytes()
    {
        using var stream = typeof(EmbeddedWeights).Assembly.GetManifestResourceStream("Schane.Models.Weights.schane_tiny.safetensors");
        Assert.InRange(stream!.Length, 1, 2_000_000);
    }

    [Fact]
    public void They_know_novel_figures_that_they_were_not_trained_on()
    {
        // 5-way 5-shot on the novel classes; random weights reach 0.35 here.
        Assert.InRange(FewShotAccuracy(embedded: true), 0.75, 1);
        Assert.InRange(FewShotAccuracy(embedded: false), 0.2, 0.5);
    }

    [Fact, Trait("Slow", "1")]
    public void Cross_entropy_from_them_gets_55_to_90_percent_at_10_labels_and_errs_between_twins()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"schane-{Guid.NewGuid():n}");
        try
        {
            var (_, results) = TrainJob.Run(new Recipe { Loss = new CrossEntropyAlone(), Seed = 1, Epochs = 20 },
                new() { Folder = folder });
            Assert.InRange(results.Metrics["top1"], 0.55, 0.90);
            Assert.InRange(results.Metrics["errors_inside_twin_groups"], 0.5, 1);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double FewShotAccuracy(bool embedded)
    {
        using var scope = NewDisposeScope();
        var set = new LookalikesDataset(LookalikesPart.Validation);
        using var model = new ImageClassifier(ModelRegistry.Create("schane_tiny", seed: 1), set.Classes.Count);
        if (embedded)
        {
            using var file = EmbeddedWeights.Open("schane_tiny");
            model.Load(file, HeadLoading.Never);
        }
        model.eval();
        var info = model.Backbone.Info;
        using var outputs = ModelOutputs.Of(model, set,
            TransformPreset.Find("none").Evaluation(new InputShape(info.Channels, info.InputSize, info.Mean, info.Std)), CPU);
        var data = EmbeddingSet.Of(outputs.Embeddings, outputs.Labels, set.Classes);
        var episodes = EpisodeList.Draw(data.Labels, set.Classes, new() { Shots = 5, Queries = 5, Episodes = 200 });
        return FewShot.Run(data, episodes, FewShotClassifier.CosineCentroid).Accuracy.Mean;
    }
}
