using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Inference;

namespace Schane.Tests.Jobs;

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class MonitorTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Images_of_another_kind_are_told_with_exit_code_3_and_a_page_and_equal_ones_are_not()
    {
        var (before, same, other) = (Images("before", 0, 40), Images("same", 1, 30), Images("other", 2, 30));
        for (var i = 0; i < 30; i++)
            folder.Write($"other/{i}.png", Pictures.Noise(40 + i, 40));
        var page = Path.Combine(folder.Path, "page.html");

        var well = SchaneProgram.Run("monitor", run.Folder, same, "--against", before, "--out", page, "--json");
        Assert.Equal(0, well.ExitCode);
        Assert.False(well.Document().GetProperty("drift").GetProperty("drifted").GetBoolean());

        File.WriteAllText(Path.Combine(other, "broken.jpg"), "no image");
        var ended = SchaneProgram.Run("monitor", run.Folder, other, "--against", before, "--out", page);
        Assert.Equal(3, ended.ExitCode);
        Assert.Contains("Drifted: the images look different", ended.Output);
        Assert.Contains("broken.jpg", ended.Errors);
        Assert.Contains("Drifted: the images look different", File.ReadAllText(page));
    }

    [Fact]
    public void Of_a_few_images_it_says_what_it_can_not_know_and_training_images_are_left_out()
    {
        var few = Images("few", 1, 2);
        File.Copy(run.Red, Path.Combine(few, "known.png"));
        var ended = SchaneProgram.Run("monitor", run.Folder, few, "--out", Path.Combine(folder.Path, "page.html"));
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("Not told: 2 images", ended.Output);
        Assert.Contains("1 image left out: the run was trained or measured on it", ended.Errors);
    }

    [Fact, Trait("Slow", "1")]
    public void What_can_not_be_compared_is_refused_in_one_sentence()
    {
        var few = Images("few", 1, 2);
        Assert.Contains("name the run folder", SchaneProgram.Run("monitor", Path.Combine(run.Folder, "model.safetensors"), few).Refusal());
        Assert.Contains("trained or measured on", SchaneProgram.Run("monitor", run.Folder, run.Red).Refusal());
        Assert.Contains("no file", SchaneProgram.Run("monitor", run.Folder, Path.Combine(folder.Path, "nowhere")).Refusal());
        Assert.Contains("Alpha", SchaneProgram.Run("monitor", run.Folder, few, "--alpha", "2").Refusal());
        var copy = run.CopyTo(Path.Combine(folder.Path, "copy"));
        File.Delete(Path.Combine(copy, "predictions.parquet"));
        Assert.Contains("--against", SchaneProgram.Run("monitor", copy, few).Refusal());
    }

    /// <summary>Red and blue images, none like another or like those that the run was trained on.</summary>
    private string Images(string name, int kind, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (strong, weak) = ((byte)(200 + (7 * i + kind) % 50), (byte)(10 + (11 * i + 3 * kind) % 40));
            folder.Write($"{name}/{i}.png",
                i % 2 == 0 ? Pictures.Flat(41, 37, strong, weak, weak) : Pictures.Flat(41, 37, weak, weak, strong));
        }
        return Path.Combine(folder.Path, name);
    }
}
