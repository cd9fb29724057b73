using System.Text;
using System.Text.Json;
using Schane.Data;
using Schane.Jobs;
using Schane.Losses;
using Schane.Tests.Data;
using Schane.Training;

namespace Schane.Tests.Jobs;

public sealed class DataSetupTests : IDisposable
{
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    private Recipe Recipe(string data) => new()
    {
        Data = data,
        Model = "schane_tiny",
        Weights = "none",
        InputSize = 32,
        Loss = LossKind.Ce,
        Steps = 2,
        ClassesPerBatch = 2,
        ImagesPerClass = 2,
        Threads = 1,
    };

    private void WriteCifar100()
    {
        byte[] Records(int count) => [.. Enumerable.Range(0, count).SelectMany(i => (byte[])[0, (byte)(i % 2), .. Enumerable.Repeat((byte)(i % 2 * 200), 3072)])];
        root.Write("cifar-100-binary/train.bin", Records(40));
        root.Write("cifar-100-binary/test.bin", Records(10));
        root.Write("cifar-100-binary/fine_label_names.txt", "apple\nfish\n"u8.ToArray());
    }

    [Fact]
    public void A_benchmark_is_trained_by_its_name_and_measured_on_its_own_test_part()
    {
        WriteCifar100();
        var (run, results) = TrainJob.Run(Recipe("cifar100"), Path.Combine(root.Path, "run"), dataRoot: root.Path);
        Assert.Equal(("test", 10), (results.Part, results.Images));
        Assert.Equal(["apple", "fish"], results.Classes!);
        Assert.Equal((34, 6), (Splits.Load(run.Splits).Parts["train"].Count, Splits.Load(run.Splits).Parts["val"].Count));
    }

    [Fact]
    public void Of_a_named_part_some_images_are_kept_for_validation_and_none_for_the_test()
    {
        WriteCifar100();
        var setup = DataSetup.Open(Recipe("cifar100:train"), root.Path);
        Assert.Equal((34, 6, null), (setup.Train.Count, setup.Validation!.Count, setup.Test));
    }

    [Fact]
    public void An_index_is_trained_on_its_own_parts()
    {
        var lines = new StringBuilder("path,label,split\n");
        for (var i = 0; i < 24; i++)
        {
            root.Write($"pics/{i}.png", Pictures.Flat(8, 8, (byte)(i % 2 * 200), 10, 10));
            lines.Append($"{i}.png,{(i % 2 == 0 ? "dark" : "red")},{(i < 16 ? "train" : "test")}\n");
        }
        root.Write("pics/list.csv", Encoding.UTF8.GetBytes(lines.ToString()));
        var results = TrainJob.Run(Recipe(Path.Combine(root.Path, "pics", "list.csv")), Path.Combine(root.Path, "run")).Results;
        Assert.Equal(("test", 8), (results.Part, results.Images));
    }

    [Fact]
    public void An_image_that_is_skipped_is_counted_and_listed_in_the_journal()
    {
        foreach (var name in new[] { "a", "b" })
            for (var i = 0; i < 8; i++)
                root.Write($"pics/{name}/{i}.png", i < 2 ? [.. Pictures.Flat(8, 8, 1, 1, 1).Take(30)] : Pictures.Flat(8, 8, 1, 1, 1));
        var recipe = Recipe(Path.Combine(root.Path, "pics")) with { OnBadImage = OnBadImage.Skip, Steps = 6 };
        var run = TrainJob.Run(recipe, Path.Combine(root.Path, "run")).Folder;
        var skipped = File.ReadLines(run.Journal).Select(l => JsonDocument.Parse(l).RootElement).Where(e => e.GetProperty("event").GetString() == "skipped").ToList();
        Assert.NotEmpty(skipped);
        Assert.Equal(skipped.Count, skipped.Select(s => s.GetProperty("image").GetString()).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, skipped.Count), skipped.Select(s => s.GetProperty("count").GetInt32()));
    }
}
