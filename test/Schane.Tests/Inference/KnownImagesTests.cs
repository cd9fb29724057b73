using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Runs;
using Schane.Tests.Data;

namespace Schane.Tests.Inference;

public sealed class KnownImagesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static float[] At(double degrees, float length = 1) =>
        [length * (float)Math.Cos(degrees * Math.PI / 180), length * (float)Math.Sin(degrees * Math.PI / 180)];

    /// <summary>The cosine distance of two directions.</summary>
    private static double Apart(double degrees) => 1 - Math.Cos(degrees * Math.PI / 180);

    private static KnownImages Of(EmbeddingSet train, EmbeddingSet held) => KnownImages.Of(train, new HeldOutEmbeddings(train, held));

    private static EmbeddingSet Set(params (double Degrees, int Label)[] images) =>
        new([.. images.SelectMany(image => At(image.Degrees, 3))], 2, [.. images.Select(image => image.Label)], ["a", "b"]);

    // Of three held-out images the one at 20° lies farthest from its nearest, 10° away.
    [Fact]
    public void An_image_is_unknown_whose_nearest_is_farther_than_those_of_the_held_out_images()
    {
        var known = Of(Set((0, 0), (10, 0), (90, 1), (100, 1)), Set((5, 0), (20, 0), (95, 1)));
        Assert.Equal(Apart(10), known.Threshold, 1e-6);
        Assert.Equal(Apart(5), known.Distance(At(15)), 1e-6);
        Assert.Equal(Apart(35), known.Distance(At(45, length: 0.01f)), 1e-6);
        Assert.Equal(Apart(130), known.Distance(At(230)), 1e-6);
        Assert.Equal(Apart(90 - 15), known.Distance(At(15), without: 0), 1e-6);
    }

    [Fact]
    public void The_threshold_is_kept_by_95_of_100_held_out_images_and_the_next_one_too()
    {
        var known = Of(Set((0, 0)), Set([.. Enumerable.Range(1, 100).Select(i => (i / 2.0, 0))]));
        Assert.Equal(Apart(48), known.Threshold, 1e-6);                   // the 96th, since 95 % of 101 are 95.95
    }

    [Fact]
    public void Those_of_a_run_are_read_as_they_were_saved_and_a_damaged_file_is_named()
    {
        var run = RunFolder.Create(folder.Path + "/run", force: false);
        Assert.Null(KnownImages.Load(run));
        var known = Of(Set((0, 0), (10, 0), (90, 1), (100, 1)), Set((5, 0), (20, 0), (95, 1)));
        known.Save(run);
        var loaded = KnownImages.Load(run)!;
        Assert.Equal((known.Threshold, known.Distance(At(33))), (loaded.Threshold, loaded.Distance(At(33))));
        new EmbeddedImages(Set((0, 0)), ["x"], ["train"]).Save(run.Known.Replace("known", "other"));
        File.Move(run.Known.Replace("known", "other"), run.Known, overwrite: true);
        Assert.Contains("known.safetensors' is damaged", Assert.Throws<SchaneException>(() => KnownImages.Load(run)).Message);
    }

    [Fact]
    public void Of_uneven_classes_the_small_ones_are_kept_whole()
    {
        int[] labels = [0, 0, 0, 1, 0, 0, 2, 0, 1];
        var kept = EvenShare.Balanced(labels, 5);
        Assert.Equal([0, 0, 1, 1, 2], kept.Select(row => labels[row]).Order());
        Assert.Equal(kept.Order().Distinct(), kept);
        Assert.Equal(9, EvenShare.Balanced(labels, 9).Length);
        Assert.Equal([0, 1, 2], EvenShare.Balanced(labels, 2).Select(row => labels[row]).Order());
    }
}

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class UnknownImagesTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_training_image_is_known_noise_is_not_and_the_weights_alone_can_not_tell()
    {
        var noise = folder.Write("noise.png", Pictures.Noise(40, 40));
        using var classifier = Classifier.Load(run.Folder);
        var (near, far) = (classifier.Predict(run.Red), classifier.Predict(noise));
        Assert.Equal((false, "red"), (near.Unknown, near.Class));
        Assert.Equal((true, null), (far.Unknown, far.Class));
        Assert.True(near.Distance < far.Distance);
        using var alone = Classifier.Load(Path.Combine(run.Folder, "model.safetensors"));
        Assert.Equal((false, null, far.Top[0]), (alone.Predict(noise).Unknown, alone.Predict(noise).Distance, alone.Predict(noise).Top[0]));

        var told = Cli.SchaneProgram.Run("predict", run.Folder, noise, run.Red).Done();
        Assert.Contains($"unknown (nearest: {far.Top[0].Class})", told.Output);
        Assert.Contains("1 of 2 images are unknown: farther from the training images than 95 % of the held-out images.", told.Errors);
        var json = Cli.SchaneProgram.Run("predict", run.Folder, noise, "--json").Done().Document()[0];
        Assert.True(json.GetProperty("unknown").GetBoolean());
        Assert.Equal(far.Distance!.Value, json.GetProperty("distance").GetDouble(), 1e-5);
        var lines = Cli.SchaneProgram.Run("predict", run.Folder, noise, "--csv").Done().Output.Split('\n');
        Assert.EndsWith(",distance,problem", lines[0]);
        Assert.Equal("unknown", lines[1].Split(',')[1]);
    }
}
