using Schane.Data.Dividing;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Dividing;

public class SplitsTests
{
    private static FakeDataset Data(params int[] sizes) => new([.. sizes.SelectMany((size, label) => Enumerable.Repeat(label, size))]);

    [Fact]
    public void Folds_of_data_that_are_all_trained_on_hold_each_image_once_and_never_the_only_one_of_a_class()
    {
        var images = new FakeDataset([.. Enumerable.Repeat(0, 7), .. Enumerable.Repeat(1, 2), 2]);
        var splits = Splits.WithFolds(images, 5, seed: 3);
        Assert.Equal(10, splits.Parts["train"].Count);
        Assert.Equal(5, splits.Folds.Count);
        Assert.Equal(Enumerable.Range(0, 9).Select(images.NameOf).Order(), splits.Folds.SelectMany(fold => fold).Order());
        Assert.Equal(2, splits.Folds.Count(fold => fold.Contains(images.NameOf(7)) || fold.Contains(images.NameOf(8))));
        Assert.Equal(2, Splits.WithFolds(new FakeDataset([0, 0, 1, 1, 2]), 5, seed: 0).Folds.Count);
        // Two images of one animal stay together.
        var groups = Splits.WithFolds(images, 5, seed: 3, name => name is "image7" or "image8" ? "animal" : name);
        Assert.Equal(7, groups.Folds.Sum(fold => fold.Count));
    }

    [Fact]
    public void Every_image_is_in_one_part_and_every_class_in_every_part()
    {
        var data = Data(20, 10, 3);
        var splits = Splits.Stratified(data, 0.2, 0.1, seed: 1);
        Assert.Equal([.. Enumerable.Range(0, 33).Select(data.NameOf).Order()], splits.Parts.Values.SelectMany(p => p).Order());
        foreach (var (part, counts) in new[] { ("train", new[] { 14, 7, 1 }), ("val", [4, 2, 1]), ("test", [2, 1, 1]) })
        {
            var images = splits.Part(data, part);
            Assert.Equal(counts, Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, images.Count).Count(i => images.LabelOf(i) == c)));
        }
    }

    [Fact]
    public void Every_seed_leaves_the_same_images_for_the_test_and_divides_the_rest_anew()
    {
        var data = Data(20, 10, 3, 2, 1);
        var splits = Enumerable.Range(0, 4).Select(seed => Splits.WithOneTest(data, 0.15, 0.2, seed)).ToList();
        Assert.Equal(Splits.Stratified(data, 0.15, 0.2, seed: 0).Parts, splits[0].Parts);
        Assert.All(splits, s =>
        {
            Assert.Equal(splits[0].Parts["test"], s.Parts["test"]);
            Assert.Equal([.. Enumerable.Range(0, 36).Select(data.NameOf).Order()], s.Parts.Values.SelectMany(part => part).Order());
            Assert.InRange(s.Parts["val"].Count, splits[0].Parts["val"].Count - 1, splits[0].Parts["val"].Count + 1);
        });
        Assert.Equal(4, splits.Select(s => string.Join(' ', s.Parts["val"])).Distinct().Count());
    }

    [Fact]
    public void Folds_test_every_image_once_and_hold_every_class()
    {
        var data = Data(7, 5, 12);
        var folds = Enumerable.Range(0, 5).Select(fold => Splits.Fold(data, 5, fold, 0.2, seed: 3)).ToList();
        Assert.Equal([.. Enumerable.Range(0, 24).Select(data.NameOf).Order()], folds.SelectMany(f => f.Parts["test"]).Order());
        Assert.All(folds, fold =>
        {
            Assert.Equal(24, fold.Parts.Values.Sum(p => p.Count));
            foreach (var part in (string[])["train", "test"])
                Assert.Equal([0, 1, 2],
                    fold.Part(data, part) is var images ? Enumerable.Range(0, images.Count).Select(images.LabelOf).Distinct().Order() : []);
        });
        Assert.InRange(folds.Max(f => f.Parts["test"].Count) - folds.Min(f => f.Parts["test"].Count), 0, 2);
        Assert.Contains("has 5", Assert.Throws<SchaneException>(() => Splits.Fold(data, 6, 0, 0.2, 3)).Message);
    }

    [Theory]
    [InlineData(1, 1, 0, 0)]
    [InlineData(2, 1, 1, 0)]
    [InlineData(3, 1, 1, 1)]
    [InlineData(4, 2, 1, 1)]
    public void Small_classes_train_first_then_validate_then_test(int size, int train, int val, int test)
    {
        var data = Data(size, 50);
        var splits = Splits.Stratified(data, 0.15, 0.15, seed: 4);
        var names = Enumerable.Range(0, size).Select(data.NameOf).ToHashSet();
        Assert.Equal([train, val, test], new[] { "train", "val", "test" }.Select(p => splits.Parts[p].Count(names.Contains)));
    }

    [Fact]
    public void The_division_depends_on_the_seed_and_the_names_alone()
    {
        var data = Data(12, 12);
        var reversed = new Subset(data, [.. Enumerable.Range(0, 24).Reverse()]);
        Assert.Equal(Splits.Stratified(data, 0.25, 0.25, 7).Parts["val"].Order(),
            Splits.Stratified(reversed, 0.25, 0.25, 7).Parts["val"].Order());
        Assert.NotEqual(Splits.Stratified(data, 0.25, 0.25, 7).Parts["val"].Order(),
            Splits.Stratified(data, 0.25, 0.25, 8).Parts["val"].Order());
    }

    [Fact]
    public void Groups_stay_together()
    {
        var data = Data(30, 30);
        // Groups of three in a row: image0, image1, image2 → 0.
        static string Group(string name) => $"{int.Parse(name["image".Length..]) / 3}";
        var splits = Splits.Stratified(data, 0.2, 0.2, 1, Group);
        var parts = splits.Parts.SelectMany(p => p.Value.Select(name => (Group: Group(name), Part: p.Key))).Distinct().ToList();
        Assert.Equal(20, parts.Count);
        Assert.Equal([36, 12, 12], new[] { "train", "val", "test" }.Select(p => splits.Parts[p].Count));
    }

    [Fact]
    public void A_saved_division_is_read_back()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "splits.json");
        var splits = Splits.Stratified(Data(9, 9), 0.2, 0, 5);
        splits.Save(path);
        Assert.Equivalent(splits, Splits.Load(path), strict: true);
        Assert.False(splits.Parts.ContainsKey("test"));
    }

    [Fact]
    public void A_division_that_names_other_images_is_refused()
    {
        var splits = new Splits
        { Dataset = "fake", Parts = new Dictionary<string, IReadOnlyList<string>> { ["train"] = ["image0", "image7", "image9"] } };
        Assert.Contains("2 images of the splits are not in fake, 'image7'",
            Assert.Throws<SchaneException>(() => splits.Part(Data(1, 1), "train")).Message);
        Assert.Contains("no 'test'", Assert.Throws<SchaneException>(() => splits.Part(Data(1, 1), "test")).Message);
    }

    [Theory]
    [InlineData("{ \"dataset\": \"x\" }")]
    [InlineData("{ \"dataset\": \"x\", \"parts\": {}, \"splitz\": 1 }")]
    [InlineData("not json")]
    public void A_damaged_file_is_named(string content)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("splits.json", System.Text.Encoding.UTF8.GetBytes(content));
        Assert.Contains("splits.json", Assert.Throws<SchaneException>(() => Splits.Load(path)).Message);
    }

    [Fact]
    public void A_later_version_says_so()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("splits.json", "{ \"version\": 2, \"dataset\": \"x\", \"parts\": {} }"u8.ToArray());
        Assert.Contains("version 2", Assert.Throws<SchaneException>(() => Splits.Load(path)).Message);
    }

    [Fact]
    public void A_divided_folder_keeps_its_parts_and_draws_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 10; i++)
        {
            folder.Write($"train/a/{i}.png", Pictures.Flat(2, 2, 1, 1, 1));
            folder.Write($"train/b/{i}.png", Pictures.Flat(2, 2, 1, 1, 1));
        }
        folder.Write("test/a/x.png", Pictures.Flat(2, 2, 1, 1, 1));
        var splits = Splits.Of(ImageFolder.Open(folder.Path), validation: 0.2, seed: 3);
        Assert.Equal((16, 4, 1), (splits.Parts["train"].Count, splits.Parts["val"].Count, splits.Parts["test"].Count));
        Assert.Equal(["test/a/x.png"], splits.Parts["test"]);
    }

    [Fact]
    public void Few_labels_are_a_part_of_more_labels()
    {
        var data = Data(20, 20, 2);
        var five = Subset.PerClass(data, 5, 1);
        Assert.Equal(12, five.Count);
        Assert.Subset(Subset.PerClass(data, 10, 1).Indices.ToHashSet(), five.Indices.ToHashSet());
        Assert.NotEqual(five.Indices, Subset.PerClass(data, 5, 2).Indices);
    }

    [Fact]
    public void Folds_keep_groups_together()
    {
        var data = Data(30, 30);
        static string Group(string name) => $"{int.Parse(name["image".Length..]) / 3}";
        var tested = Enumerable.Range(0, 5).SelectMany(fold =>
        {
            var splits = Splits.Fold(data, 5, fold, 0.2, 1, Group);
            Assert.Equal(20, splits.Parts.SelectMany(p => p.Value.Select(name => (Group: Group(name), Part: p.Key))).Distinct().Count());
            return splits.Parts["test"];
        }).ToList();
        Assert.Equal([.. Enumerable.Range(0, 60).Select(data.NameOf).Order()], tested.Order());
        Assert.Contains("11 groups of each class", Assert.Throws<SchaneException>(() => Splits.Fold(data, 11, 0, 0.2, 1, Group)).Message);
    }

    [Fact]
    public void A_long_tail_falls_by_a_constant_factor_to_the_smallest_class()
    {
        var data = Data(100, 100, 100, 5);
        var tail = Subset.LongTail(data, 64, seed: 1);
        // 100, 100 ÷ 4, 100 ÷ 16, 100 ÷ 64, rounded down.
        Assert.Equal([100, 25, 6, 1], Enumerable.Range(0, 4).Select(c => Enumerable.Range(0, tail.Count).Count(i => tail.LabelOf(i) == c)));
        Assert.Equal(tail.Indices, Subset.LongTail(data, 64, seed: 1).Indices);
        Assert.NotEqual(tail.Indices, Subset.LongTail(data, 64, seed: 2).Indices);
        Assert.Equal(305, Subset.LongTail(data, 1, seed: 1).Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => Subset.LongTail(data, 0.5, seed: 1));
    }
}
