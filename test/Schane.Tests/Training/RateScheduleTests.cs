using System.Text.Json.Nodes;
using Schane.Losses;
using Schane.Recipes;
using Schane.Tests.Support;
using Schane.Training;

namespace Schane.Tests.Training;

public class RateScheduleTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("optim", "schedules.json");

    [Theory]
    [MemberData(nameof(Folders))]
    public void Equals_unilm_step_by_step(string folder)
    {
        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "schedules.json")))!["unilm_beit3_utils.cosine_scheduler"]!
            .AsArray();
        var run = 0;
        foreach (var golden in cases)
        {
            var args = golden!["args"]!;
            if (golden["error"] is not null)
                // unilm wants a warm-up in epochs beside one in steps
                continue;
            int Whole(string name) => (int?)args[name] ?? 0;
            var perEpoch = Whole("niter_per_ep");
            var warmup = Whole("warmup_steps") > 0 ? Whole("warmup_steps") : Whole("warmup_epochs") * perEpoch;
            var schedule = new RateSchedule((double)args["base_value"]!, Whole("epochs") * perEpoch, warmup, (double)args["final_value"]!,
                (double?)args["start_warmup_value"] ?? 0, (string?)args["sched_type"] switch
                {
                    "linear" => ScheduleShape.Linear,
                    null or "cos" or "cosine" => ScheduleShape.Cosine,
                    var other => throw new InvalidDataException($"A schedule is of a kind that this test doesn't know: {other}."),
                });
            var expected = golden["values"]!.AsArray().Select(v => (double)v!).ToArray();
            Assert.Equal(schedule.Steps, expected.Length);
            for (var step = 0; step < expected.Length; step++)
                Assert.Equal(expected[step], schedule.At(step), 1e-12 * Math.Abs(expected[step]) + 1e-18);
            run++;
        }
        output.WriteLine($"{run} schedules");
        Assert.True(run > 0, $"{folder} holds no schedule.");
    }

    [Theory]
    [InlineData("warmup-epochs: 5", "The warm-up is 50 steps (warmup-epochs 5 × 10), but the training has 40; lower it or train longer.")]
    [InlineData("warmup: 1", "The warm-up is 40 steps (warmup 1 of 40), but the training has 40; lower it or train longer.")]
    public void A_warm_up_as_long_as_the_training_is_refused(string setting, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<SchaneException>(() =>
            RateSchedule.Of(RecipeFile.Parse(setting, "r.yaml"), steps: 40, stepsPerEpoch: 10)).Message);
}
