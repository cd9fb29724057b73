using System.Text;
using System.Text.Json;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Jobs;
using Schane.Losses;
using Schane.Planning;
using Schane.Recipes;
using Schane.Tests.Data;

namespace Schane.Tests.Planning;

[Trait("Long", "1")]
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
        Loss = new CrossEntropyAlone(),
        Steps = 2,
        ClassesPerBatch = 2,
        ImagesPerClass = 2,
        Threads = 1,
    };

    private void WriteCifar100()
    {
        byte[] Records(int count) =>
            [.. Enumerable.Range(0, count).SelectMany(i => (byte[])[0, (byte)(i % 2), .. Enumerable.Repeat((byte)(i % 2 * 200), 3072)])];
        root.Write("cifar-100-binary/train.bin", Records(40));
        root.Write("cifar-100-binary/test.bin", Records(10));
        root.Write("cifar-100-binary/fine_label_names.txt", "apple\nfish\n"u8.ToArray());
    }

    [Fact]
    public void A_benchmark_is_trained_by_its_name_and_measured_on_its_own_test_part()
    {
        WriteCifar100();
        var (run, results) = TrainJob.Run(Recipe("cifar100"), new() { Folder = Path.Combine(root.Path, "run"), DataRoot = root.Path });
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
        var results = TrainJob.Run(Recipe(Path.Combine(root.Path, "pics", "list.csv")),
            new() { Folder = Path.Combine(root.Path, "run") }).Results;
        Assert.Equal(("test", 8), (results.Part, results.Images));
    }

    [Fact]
    public void An_image_that_is_skipped_is_counted_and_listed_in_the_journal()
    {
        foreach (var name in new[] { "a", "b" })
            for (var i = 0; i < 8; i++)
                root.Write($"pics/{name}/{i}.png", i < 2 ? [.. Pictures.Flat(8, 8, 1, 1, 1).Take(30)] : Pictures.Flat(8, 8, 1, 1, 1));
        var recipe = Recipe(Path.Combine(root.Path, "pics")) with { OnBadImage = OnBadImage.Skip, Steps = 6 };
        var run = TrainJob.Run(recipe, new() { Folder = Path.Combine(root.Path, "run") }).Folder;
        var skipped = File.ReadLines(run.Journal).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(e => e.GetProperty("event").GetString() == "skipped").ToList();
        Assert.NotEmpty(skipped);
        Assert.Equal(skipped.Count, skipped.Select(s => s.GetProperty("image").GetString()).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, skipped.Count), skipped.Select(s => s.GetProperty("count").GetInt32()));
    }

    [Fact]
    public void Images_that_there_was_no_time_to_open_before_training_are_counted()
    {
        for (var i = 0; i < 12; i++)
            root.Write($"pics/{(i % 2 == 0 ? "a" : "b")}/{i}.png", Pictures.Flat(8, 8, 1, 2, 3));
        var setup = DataSetup.Open(Recipe(Path.Combine(root.Path, "pics")), null);
        var opened = setup.Opened(OnBadImage.Fail, new(TimeSpan.Zero, TimeSpan.Zero), TestContext.Current.CancellationToken);
        Assert.Contains(opened.Warnings, w => w.Contains("12 of 12 images were not opened before training"));
        Assert.Equal(setup.Warnings, setup.Opened(OnBadImage.Fail, new(), TestContext.Current.CancellationToken).Warnings);
    }

    [Fact]
    public void Copies_across_drawn_parts_are_warned_of_once_and_plain_folders_are_not()
    {
        // Two photographs, each often: wherever they are divided, the test was trained on.
        for (var i = 0; i < 10; i++)
            foreach (var (name, file) in new[] { ("a", "natural.png"), ("b", "gray.jpg") })
                root.Write($"pics/{name}/{i}.png", File.ReadAllBytes(GoldenImages.Image(file)));
        var setup = DataSetup.Open(Recipe(Path.Combine(root.Path, "pics")), null)
            .WarnOfCopies(new(), TestContext.Current.CancellationToken);
        Assert.Contains("--group-by", Assert.Single(setup.Warnings, w => w.Contains("too good")));
        Assert.Contains("Nobody has looked whether",
            PartCopies.Warning(setup.Train, setup.Validation, setup.Test, TimeSpan.Zero, stop: TestContext.Current.CancellationToken));
        WriteCifar100();
        Assert.DoesNotContain(DataSetup.Open(Recipe("cifar100:train"), root.Path)
            .WarnOfCopies(new(), TestContext.Current.CancellationToken).Warnings, w => w.Contains("too good"));
    }

    [Fact]
    public void A_long_tail_a_few_labels_and_a_limit_come_from_the_recipe()
    {
        WriteCifar100();
        int[] Counts(Recipe recipe) => [.. DataSetup.Open(recipe, root.Path).Train is var train
            ? Enumerable.Range(0, 2).Select(c => Enumerable.Range(0, train.Count).Count(i => train.LabelOf(i) == c)) : []];
        Assert.Equal([17, 4], Counts(Recipe("cifar100:train") with { Imbalance = 4 }));
        Assert.Equal([3, 3], Counts(Recipe("cifar100:train") with { Imbalance = 4, LabelsPerClass = 3 }));
        foreach (var name in new[] { "a", "b" })
            for (var i = 0; i < 8; i++)
                root.Write($"pics/{name}/{i}.png", Pictures.HugePng(1200, 1000));
        var limited = DataSetup.Open(Recipe(Path.Combine(root.Path, "pics")) with { MaxMegapixels = 1 }, null);
        Assert.Contains("1200 × 1000", Assert.Throws<SchaneException>(() => limited.Train.Read(0)).Message);
        Assert.DoesNotContain("1200 × 1000",
            Assert.Throws<SchaneException>(() => DataSetup.Open(Recipe(Path.Combine(root.Path, "pics")), null).Train.Read(0)).Message);
    }
}
