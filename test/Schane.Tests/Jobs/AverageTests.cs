using Schane.Checkpoints;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Jobs;
using Schane.Jobs.Averages;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using static TorchSharp.torch;

namespace Schane.Tests.Jobs;

/// <summary>Runs of one model become one run.</summary>
[Trait("Long", "1")]
public sealed class AverageTests : IDisposable
{
    private readonly Photos photos = new();

    public AverageTests()
    {
        foreach (var (part, images, first) in ((string, int, int)[])[("train", 6, 0), ("val", 5, 60), ("test", 4, 120)])
            for (var i = 0; i < images; i++)
            {
                photos.Write(Path.Combine(part, "flat", $"{i}.png"), Pictures.Flat(40, 40, 150, (byte)(first + 10 * i), 90));
                photos.Write(Path.Combine(part, "noisy", $"{i}.png"), Pictures.Noise(40 + i, 40));
            }
    }

    private Recipe Recipe => new()
    {
        Data = photos.Data, Weights = "embedded", Model = "schane_tiny", InputSize = 32, ImagesPerClass = 2, Steps = 3, Threads = 1,
        NoThumbnails = true,
    };

    public void Dispose() => photos.Dispose();

    [Trait("Slow", "1")]
    [Fact]
    public void A_soup_of_runs_is_a_run_with_their_mean_weights_that_every_command_takes()
    {
        var (one, other) = (Train("one", 0), Train("other", 1));
        var ended = SchaneProgram.Run("average", one, other, "--out", At("soup"), "--json").Done();
        var found = ended.Document();
        Assert.Equal(10, found.GetProperty("validation_images").GetInt32());
        var kept = found.GetProperty("members").EnumerateArray().Count(member => member.GetProperty("kept").GetBoolean());
        Assert.Equal(2, kept);
        using (var scope = NewDisposeScope())
        {
            using var a = Safetensors.Open(Path.Combine(one, "model.safetensors"));
            using var b = Safetensors.Open(Path.Combine(other, "model.safetensors"));
            using var soup = Safetensors.Open(Path.Combine(At("soup"), "model.safetensors"));
            Assert.All(soup.Names.Where(name => soup.TypeOf(name) == ScalarType.Float32), name => Assert.True(
                ((a.Read(name) + b.Read(name)) / 2 - soup.Read(name)).abs().max().item<float>() < 1e-6, name));
        }
        var results = RunResults.Load(RunFolder.Open(At("soup")).Results);
        Assert.Equal(("soup", "test", 8, 6L), (results.Average, results.Part, results.Images, results.Steps));
        Assert.Equal(results.Metrics["top1"], found.GetProperty("test").GetProperty("mean").GetDouble());
        Assert.Equal(results.Metrics["nll"], EvaluateJob.Run(At("soup")).Metrics["nll"], 1e-9);
        Assert.Contains("soup of", File.ReadAllText(Path.Combine(At("soup"), "report.html")));
        SchaneProgram.Run("predict", At("soup"), Path.Combine(photos.Data, "test", "flat")).Done();
        SchaneProgram.Run("export", At("soup"), "--onnx", At("soup.onnx")).Done();
    }

    [Fact, Trait("Slow", "1")]
    public void An_ensemble_of_several_views_answers_the_mean_logits_and_is_calibrated_as_one()
    {
        var (one, other) = (Train("one", 0), Train("other", 1));
        var averaged = AverageJob.Run([one, other], new() { Kind = AverageKind.Ensemble, Views = 2, Folder = At("both") });
        using var scope = NewDisposeScope();
        using var whole = RunModel.Load(RunFolder.Open(At("both")).Model, "cpu");
        Assert.Equal("schane_tiny:members=2,views=2", whole.Classifier.Backbone.Info.Name);
        Assert.NotNull(whole.Confidence);
        Assert.Equal(1.0, averaged.Test!.P);
        using var first = Classifier.Load(At("both"), new() { Prove = false });
        var image = Path.Combine(photos.Data, "test", "flat", "1.png");
        Assert.Equal(["flat", "noisy"], first.Card.Classes);
        Assert.InRange(first.Predict(image).Top[0].Probability, 0.5f, 1f);
        Assert.Contains("is a mean already", Refused(new() { Views = 2 }, At("both")));
        Assert.Contains("is not trained on", Assert.Throws<SchaneException>(() => TrainJob.Run(
            Recipe with { Model = null, Weights = At("both") }, new() { Folder = At("more") })).Message);
    }

    [Fact, Trait("Slow", "1")]
    public void A_run_that_would_make_the_soup_worse_is_left_out_and_where_none_is_left_nothing_is_kept()
    {
        var good = Train("good", 0, steps: 30);
        // The same net with the signs of its head turned: wrong wherever the other is right.
        var turned = Train("turned", 0, steps: 30);
        var file = Path.Combine(turned, "model.safetensors");
        using (var model = RunModel.Load(file, "cpu"))
        {
            using (no_grad())
                foreach (var (_, parameter, layer, _) in model.Classifier.NamedParameters().ToList())
                    if (layer == model.Classifier.Backbone.LayerCount)
                        parameter.mul_(-3);
            model.Save(At("turned.safetensors"));
        }
        File.Move(At("turned.safetensors"), file, overwrite: true);
        var ended = SchaneProgram.Run("average", turned, good, "--out", At("none"));
        Assert.True(ended.ExitCode == 1, ended.Output + ended.Errors);
        Assert.Contains("No mean of these runs is better than good alone", ended.Output);
        Assert.False(Directory.Exists(At("none")));
    }

    [Fact, Trait("Slow", "1")]
    public void Images_that_another_run_was_trained_on_are_not_judged_by()
    {
        using var undivided = new Photos(("red", 40), ("blue", 40));
        string Run(int seed)
        {
            var folder = Path.Combine(undivided.Root, $"s{seed}");
            TrainJob.Run(Recipe with { Data = undivided.Data, Seed = seed, NoRefit = true }, new() { Folder = folder });
            return folder;
        }
        var (a, b) = (Run(0), Run(1));
        HashSet<string> Part(string run, string part) => [.. SavedRun.SplitsOf(RunFolder.Open(run))!.Parts[part]];
        var (trained, chosen) = (Part(b, "train"), Part(b, "train").Union(Part(b, "val")));
        var (validation, test) = (Part(a, "val").Except(trained).ToHashSet(), Part(a, "test").Except(chosen).ToHashSet());
        var target = Path.Combine(undivided.Root, "mean");
        var options = new AverageOptions { Kind = AverageKind.Ensemble, Folder = target };
        Assert.InRange(validation.Count, 1, Part(a, "val").Count - 1);
        var averaged = AverageJob.Run([a, b], options);
        Assert.Equal((validation.Count, test.Count), (averaged.ValidationImages, averaged.Test!.Images));
        Assert.Equal(test, [.. PredictedItem.Load(RunFolder.Open(target).Predictions).Select(item => item.Image)]);
        Assert.Equal(test.Count, EvaluateJob.Run(target).Images);
    }

    [Fact]
    public void What_can_not_be_averaged_is_refused_in_one_sentence_and_nothing_is_written()
    {
        var one = Train("one", 0);
        Assert.Contains("One run and one view have no mean", Refused(new(), one));
        Assert.Contains("is named twice", Refused(new(), one, one));
        Assert.Contains("There is no run folder", Refused(new(), one, At("nowhere")));
        TrainJob.Run(Recipe with { InputSize = 48 }, new() { Folder = At("larger") });
        Assert.Contains("which have no mean", Refused(new(), one, At("larger")));
        TrainJob.Run(Recipe with { Augmentation = "none" }, new() { Folder = At("plain") });
        Assert.Contains("augmentation none", Refused(new(), one, At("plain")));
        Assert.Contains("must lie between 1 and 10 but are 11", SchaneProgram.Run("average", one, "--tta", "11").Refusal());
        Assert.Contains("There are 5 views", Refused(new() { Views = 6 }, At("plain")));
        Assert.Contains("holds a run already", Refused(new() { Views = 2, Folder = one }, one));
        using var few = Photos.OfTwoClasses();
        TrainJob.Run(Recipe with { Data = few.Data }, new() { Folder = At("folds") });
        Assert.Contains("--no-refit", Refused(new() { Views = 2 }, At("folds")));
        Assert.Equal(["folds", "larger", "one", "photos", "plain"], Directory.GetDirectories(photos.Root).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_mean_that_can_not_be_finished_leaves_no_half_of_it()
    {
        var one = Train("one", 0);
        File.WriteAllText(Path.Combine(photos.Data, "test", "flat", "1.png"), "no image");
        Assert.Contains("1.png", Refused(new() { Views = 2, Folder = At("mean") }, one));
        Assert.False(Directory.Exists(At("mean")));
    }

    private string Refused(AverageOptions options, params string[] runs) =>
        Assert.Throws<SchaneException>(() => AverageJob.Run(runs, options)).Message;

    private string Train(string name, int seed, int steps = 3)
    {
        TrainJob.Run(Recipe with { Seed = seed, Steps = steps }, new() { Folder = At(name) });
        return At(name);
    }

    private string At(string name) => Path.Combine(photos.Root, name);
}
