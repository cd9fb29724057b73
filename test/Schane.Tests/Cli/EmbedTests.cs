using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Evaluation.Statistics;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class EmbedTests
{
    [Fact]
    [Trait("Slow", "1")]
    public void Embeddings_of_a_run_go_to_a_file_and_every_protocol_measures_the_run_and_the_file_alike()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "2")).Done();
        var file = Path.Combine(photos.Root, "e.parquet");
        Assert.Equal(20,
            SchaneProgram.Run("embed", photos.Run, "--out", file, "--json").Done().Document().GetProperty("images").GetInt32());
        var embedded = EmbeddedImages.Load(file);
        Assert.Equal(20, embedded.Images.Distinct().Count());
        Assert.Equal(["blue", "red"], embedded.Embeddings.Classes);
        foreach (var protocol in (string[][])[["knn"], ["linear"], ["linear", "--solver", "sgd"], ["embeddings"],
            ["fewshot", "--ways", "2", "--shots", "1"]])
        {
            string[] flags = ["--protocol", .. protocol, "--json"];
            // A class has two test images: too few for an episode's fifteen queries, which is said.
            if (protocol[0] == "fewshot")
            {
                Assert.Contains("'blue' has 2", SchaneProgram.Run(["evaluate", photos.Run, .. flags[..^1]]).Refusal());
                continue;
            }
            var ofRun = SchaneProgram.Run(["evaluate", photos.Run, .. flags]).Done();
            Assert.Equal(ofRun.Output, SchaneProgram.Run(["evaluate", file, .. flags]).Done().Output);
            Assert.Equal(4, ofRun.Document().GetProperty("images").GetInt32());
        }
    }

    [Fact]
    public void Accuracy_on_episodes_has_the_interval_of_student_and_the_normal_one()
    {
        using var photos = new Photos(("red", 4), ("blue", 4));
        var file = Path.Combine(photos.Root, "e.safetensors");
        var random = new Schane.Tensors.SampleRandom(2);
        int[] labels = [.. Enumerable.Range(0, 60).Select(i => i % 3)];
        var set = new EmbeddingSet([.. labels.SelectMany(label =>
            Enumerable.Range(0, 4).Select(d => (float)((d == label ? 1 : 0) + 0.8 * random.Normal())))], 4, labels, ["a", "b", "c"]);
        new EmbeddedImages(set, [.. labels.Select((_, i) => $"{i}")], [.. labels.Select(_ => "test")]).Save(file);
        var shown = SchaneProgram.Run("evaluate", file, "--protocol", "fewshot", "--ways", "3", "--shots", "2").Done().Output;
        Assert.Matches(@"centroid\s.*Student t .* to .*; normal .* to ", shown);
        var metrics = SchaneProgram.Run("evaluate", file, "--protocol", "fewshot", "--ways", "3", "--shots", "2", "--json").Done()
            .Document().GetProperty("metrics");
        var episodes = FewShot.Run(set, EpisodeList.Draw(labels, set.Classes, new() { Ways = 3, Shots = 2 }),
            FewShotClassifier.CosineCentroid).Episodes;
        Assert.Equal(Interval.StudentT(episodes).High!.Value, metrics.GetProperty("centroid_high").GetDouble(), 1e-9);
        Assert.Equal(Interval.NormalOf(episodes).High!.Value, metrics.GetProperty("centroid_normal_high").GetDouble(), 1e-9);
    }

    [Fact]
    public void Weights_without_a_run_embed_any_folder()
    {
        using var photos = Photos.OfTwoClasses();
        var file = Path.Combine(photos.Root, "e.npy");
        SchaneProgram.Run("embed", "--data", photos.Data, "--out", file).Done();
        Assert.Equal(21, File.ReadAllLines(Path.ChangeExtension(file, ".csv")).Length);
        var knn = SchaneProgram.Run("evaluate", "--data", photos.Data, "--protocol", "knn", "--neighbours", "3", "--json")
            .Done().Document();
        Assert.Equal("3", knn.GetProperty("settings").GetProperty("neighbours").GetString());
    }

    [Trait("Slow", "1")]
    [Fact]
    public void What_is_missing_is_said_with_the_way_out()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("--data", SchaneProgram.Run("embed").Refusal());
        Assert.Contains("name a run", SchaneProgram.Run("evaluate", "--data", photos.Data).Refusal());
        Assert.Contains("no folder",
            SchaneProgram.Run("embed", "--data", photos.Data, "--out", Path.Combine(photos.Root, "no", "e.npy")).Refusal());
        Assert.Contains(".parquet",
            SchaneProgram.Run("embed", "--data", photos.Data, "--out", Path.Combine(photos.Root, "e.txt")).Refusal());
        var testOnly = Path.Combine(photos.Root, "t.safetensors");
        new EmbeddedImages(new EmbeddingSet([1, 0, 0, 1], 2, [0, 1], ["a", "b"]), ["x", "y"], ["test", "test"]).Save(testOnly);
        Assert.Contains("train", SchaneProgram.Run("evaluate", testOnly, "--protocol", "knn").Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Few_shot_figures_on_classes_that_were_trained_on_carry_a_warning()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "2")).Done();
        var ended = SchaneProgram.Run("fewshot", photos.Run, "--data", photos.Data, "--ways", "2", "--queries",
            "2", "--episodes", "5").Done();
        Assert.Contains("2 of the 2 classes were trained on (blue, red)", ended.Errors);
        Assert.DoesNotContain("trained on",
            SchaneProgram.Run("fewshot", "--data", photos.Data, "--ways", "2", "--queries", "2", "--episodes", "5").Done().Errors);
    }
}
