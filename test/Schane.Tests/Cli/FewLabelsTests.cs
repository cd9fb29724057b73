using System.Text.Json;
using Schane.Data.Sets;
using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>A new user's first run: five images of each of eight classes that look alike.</summary>
[Trait("Long", "1")]
public class FewLabelsTests
{
    [Fact]
    [Trait("Slow", "1")]
    public void Forty_images_are_all_learnt_from_and_the_interval_of_the_folds_holds_for_images_that_no_one_had_seen()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "photos", new(LookalikesPart.Train, 5));
        Write(folder, "new", new(LookalikesPart.Test, 25));
        var (photos, run) = (Path.Combine(folder.Path, "photos"), Path.Combine(folder.Path, "run"));

        var ended = SchaneProgram.Run("train", "--data", photos, "--out", run, "--model", "schane_tiny", "--weights", "embedded",
            "--epochs", "8", "--precision", "float32", "--no-thumbnails", "--json").Done();
        Assert.Contains("40 images: accuracy is measured by 5 folds, and the model that is kept learns from all of them", ended.Errors);
        var results = ended.Document().GetProperty("results");
        Assert.Equal(("folds", 5, 40), (results.GetProperty("part").GetString(), results.GetProperty("folds").GetInt32(),
            results.GetProperty("images").GetInt32()));
        double Metric(JsonElement of, string name) => of.GetProperty("metrics").GetProperty(name).GetDouble();

        var again = SchaneProgram.Run("evaluate", run, "--json").Done();
        Assert.Contains("learnt from every image", again.Errors);
        Assert.Equal(Metric(results, "top1"), Metric(again.Document(), "top1"));
        var measured = SchaneProgram.Run("evaluate", run, "--data", Path.Combine(folder.Path, "new"), "--json").Done().Document();
        Assert.InRange(Metric(measured, "top1"), Metric(results, "top1_low"), Metric(results, "top1_high"));
        Assert.True(Metric(results, "top1_high") - Metric(results, "top1_low") < 0.35);                 // 10 test images: 0.5
    }

    private static void Write(TemporaryFolder folder, string name, LookalikesDataset images)
    {
        for (var i = 0; i < images.Count; i++)
            if (images.LabelOf(i) < 2 * LookalikesDataset.TwinsPerGroup && images.Read(i) is var image)
                folder.Write(Path.Combine(name, $"{images.NameOf(i)}.png"), Pictures.Png(image.Width, image.Height, 8, 2, image.Pixels));
    }
}
