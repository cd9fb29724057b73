using Schane.Jobs;
using Schane.Models;
using Schane.Tests.Support;

namespace Schane.Tests.Jobs;

public sealed partial class TrainJobTests
{
    [Fact]
    public void A_run_that_was_stopped_goes_on_to_the_weights_it_would_have_had()
    {
        TrainJob.Run(Short, new() { Folder = At("whole") });
        StopAfter(3, "stopped");
        TrainJob.Resume(At("stopped"));
        Assert.Equal(Weights("whole"), Weights("stopped"));
        Assert.Equal(Steps("whole"), Steps("stopped"));
    }

    [Trait("Slow", "1")]
    [Fact]
    public void A_recipe_that_was_edited_meanwhile_is_refused_by_the_setting_that_changed()
    {
        StopAfter(3, "stopped");
        var recipe = Path.Combine(At("stopped"), "recipe.yaml");
        var text = File.ReadAllText(recipe);
        File.WriteAllText(recipe, text.Replace("lr: 0.001", "lr: 5", StringComparison.Ordinal));
        Assert.Contains("lr is 5 and was 0.001. Put it back, or start a new run",
            Assert.Throws<SchaneException>(() => TrainJob.Resume(At("stopped"))).Message);
        File.WriteAllText(recipe, text.Replace("threads: 1", "threads: 2", StringComparison.Ordinal));
        TrainJob.Resume(At("stopped"));                                   // computes the same on other cores
    }

    [Fact]
    public void A_model_whose_classes_or_weights_were_changed_is_not_taken_for_what_was_trained()
    {
        var (run, _) = TrainJob.Run(Short with { Steps = 1 }, new() { Folder = At("run") });
        var bytes = File.ReadAllBytes(run.Model);
        var classes = bytes.AsSpan().IndexOf("\"classes\""u8);
        var name = classes + bytes.AsSpan(classes).IndexOf("u0022"u8) + "u0022".Length;        // behind its first quotation mark
        foreach (var at in (int[])[bytes.Length - 6, name])
        {
            var changed = bytes.ToArray();
            changed[at] ^= 1;
            File.WriteAllBytes(run.Model, changed);
            Assert.Contains("isn't what was trained", Assert.Throws<SchaneException>(() => EvaluateJob.Run(At("run"))).Message);
        }
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_run_in_bf16_says_so_and_goes_on_in_it_to_the_bit()
    {
        var mixed = Short with { Precision = Precision.Bf16 };
        TrainJob.Run(Short, new() { Folder = At("exact") });
        TrainJob.Run(mixed, new() { Folder = At("whole") });
        StopAfter(3, "stopped", mixed);
        TrainJob.Resume(At("stopped"));
        Assert.Equal(Weights("whole"), Weights("stopped"));
        Assert.NotEqual(Weights("exact"), Weights("whole"));
        Assert.Contains("\"precision\":\"bf16\"", File.ReadLines(Path.Combine(At("whole"), "journal.jsonl")).First());
        Assert.Equal((Precision.Float32, Precision.Bf16), (Chosen("exact"), Chosen("whole")));
    }

    [Trait("Slow", "1")]
    [Fact]
    public void A_damaged_checkpoint_is_passed_over_for_the_one_before_and_said_so()
    {
        TrainJob.Run(Short, new() { Folder = At("whole") });
        StopAfter(5, "damaged");
        var newest = Directory.GetFiles(Path.Combine(At("damaged"), "checkpoints"), "*.safetensors").Order().Last();
        var bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);
        var messages = new List<string>();
        TrainJob.Resume(At("damaged"), new() { Progress = new Heard(messages) });
        Assert.Contains(messages, m => m.Contains($"{Path.GetFileName(newest)} is damaged"));
        Assert.Equal(Weights("whole"), Weights("damaged"));
    }
}
