using System.Text.Json.Nodes;
using Schane.Tests.Support;
using Schane.Training;

namespace Schane.Tests.Training;

public class CosineScheduleTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("optim");

    [Theory]
    [MemberData(nameof(Folders))]
    public void Equals_unilm_step_by_step(string folder)
    {
        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "schedules.json")))!["unilm_beit3_utils.cosine_scheduler"]!.AsArray();
        var run = 0;
        foreach (var golden in cases)
        {
            var args = golden!["args"]!;
            if (golden["error"] is not null || args["sched_type"] is not null)
                continue;                                                                  // a warm-up in steps needs one in epochs; the linear shape is another schedule
            int Whole(string name) => (int?)args[name] ?? 0;
            var perEpoch = Whole("niter_per_ep");
            var warmup = Whole("warmup_steps") > 0 ? Whole("warmup_steps") : Whole("warmup_epochs") * perEpoch;
            var schedule = new CosineSchedule((double)args["base_value"]!, Whole("epochs") * perEpoch, warmup, (double)args["final_value"]!, (double?)args["start_warmup_value"] ?? 0);
            var expected = golden["values"]!.AsArray().Select(v => (double)v!).ToArray();
            Assert.Equal(schedule.Steps, expected.Length);
            for (var step = 0; step < expected.Length; step++)
                Assert.Equal(expected[step], schedule.At(step), 1e-12 * Math.Abs(expected[step]) + 1e-18);
            run++;
        }
        output.WriteLine($"{run} schedules");
        Assert.True(run >= 5);
    }
}
