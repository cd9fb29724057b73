namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class DataDoctorTests
{
    [Fact]
    public void Balanced_batches_are_well_and_shuffled_ones_leave_anchors_without_positives_with_the_fix()
    {
        using var photos = new Photos(("a", 6), ("b", 6), ("c", 6), ("d", 6), ("e", 6), ("f", 6));
        var balanced = SchaneProgram.Run(Doctor(photos, "--classes-per-batch", "6", "--images-per-class", "4", "--json"));
        var report = balanced.Document();
        // 24 rows of 6 classes: 3 positives and 20 negatives each.
        Assert.Equal(24, report.GetProperty("rows").GetDouble());
        Assert.Equal(6, report.GetProperty("classes_per_batch").GetDouble());
        Assert.Equal(3, report.GetProperty("positives").GetDouble());
        Assert.Equal(20, report.GetProperty("negatives").GetDouble());
        Assert.Equal(0, report.GetProperty("without_positives").GetDouble());
        Assert.InRange(report.GetProperty("effective_negatives").GetDouble(), 1, 20.001);

        var shuffled = SchaneProgram.Run(Doctor(photos, "--sampler", "shuffled", "--batch", "4"));
        Assert.Equal(1, shuffled.ExitCode);
        Assert.Contains("have no positive", shuffled.Output);
        Assert.Contains("--sampler balanced", shuffled.Output);
        Assert.Contains("to mend before training", shuffled.Output);
        // Cross-entropy alone needs none of it.
        Assert.DoesNotContain("have no positive",
            SchaneProgram.Run(Doctor(photos, "--sampler", "shuffled", "--batch", "4", "--loss", "ce")).Output);
    }

    private static string[] Doctor(Photos photos, params string[] flags) =>
        ["data", "doctor", "--data", photos.Data, "--weights", "none", "--input-size", "32", .. flags];
}
