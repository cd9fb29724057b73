using System.Text.Json;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Tests.Support;

namespace Schane.Tests.Jobs;

public sealed partial class TrainJobTests
{
    [Fact]
    public void A_run_told_so_keeps_no_images()
    {
        var (run, _) = TrainJob.Run(Short with { NoThumbnails = true }, new() { Folder = At("run") });
        Assert.False(Directory.Exists(run.Thumbnails));
        var page = File.ReadAllText(run.Report);
        Assert.DoesNotContain("<img src=", page);
        Assert.DoesNotContain("\"UklGR", page);                           // how a WebP begins in base64
    }

    [Fact]
    public void A_batch_without_positives_stops_the_run_and_names_the_sampler()
    {
        var lonely = Short with { Sampler = SamplerKind.Shuffled, Batch = 2, LabelsPerClass = 1 };
        var error = Assert.Throws<SchaneException>(() => TrainJob.Run(lonely, new() { Folder = At("lonely") }));
        Assert.Contains("--sampler balanced", error.Message);
    }

    [Fact]
    public void The_journal_tells_of_every_step_how_many_positives_and_negatives_its_anchors_had()
    {
        TrainJob.Run(Short, new() { Folder = At("run") });
        var first = File.ReadLines(Path.Combine(At("run"), "journal.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .First(e => e.GetProperty("event").GetString() == "step");
        Assert.Equal((0.0, 1.0, 6.0), (first.GetProperty("without_positives").GetDouble(), first.GetProperty("positives").GetDouble(),
            first.GetProperty("negatives").GetDouble()));
    }

    [Fact]
    [Trait("Slow", "1")]
    public void The_journal_tells_of_every_step_the_settings_of_the_loss_after_their_schedules_and_the_classes_of_its_batch()
    {
        TrainJob.Run(
            Short with { BetaWarmup = 0.5, Temperature = 0.5, TemperatureFinal = 0.2, Lambda = 0.9, LambdaFinal = 0.6 },
            new() { Folder = At("moving") });
        var steps = StepsOf("moving");
        double[] Field(string name) => [.. steps.Select(step => step.GetProperty(name).GetDouble())];
        Assert.Equal([0, 1 / 3.0, 2 / 3.0, 1, 1, 1], Field("beta"), (a, b) => Math.Abs(a - b) < 1e-8);       // warm over 3 of 6 steps
        Assert.Equal([0.5, 0.45, 0.4, 0.35, 0.3, 0.25], Field("temperature"), (a, b) => Math.Abs(a - b) < 1e-8);
        Assert.Equal([0.9, 0.85, 0.8, 0.75, 0.7, 0.65], Field("lambda"), (a, b) => Math.Abs(a - b) < 1e-8);
        Assert.All(Field("classes"), classes => Assert.Equal(4, classes));
    }

    [Fact]
    public void What_a_loss_has_no_use_for_is_said_in_the_plan_and_not_told_as_if_it_were_used()
    {
        var told = new List<string>();
        TrainJob.Run(Short with { Steps = 1, Loss = new SupConLoss(), Beta = 2, Margin = 0.5 },
            new() { Folder = At("run"), Progress = new Heard(told) });
        Assert.Contains("Loss supcon has no use for beta 2 (hcl, schane) and margin 0.5 (triplet): what has stands in parentheses.", told);
        var step = Assert.Single(StepsOf("run"));
        Assert.Equal(JsonValueKind.Null, step.GetProperty("beta").ValueKind);
        Assert.Equal(0.1, step.GetProperty("temperature").GetDouble());
    }
}
