using System.Text;
using Schane.Data;
using Schane.Data.Dividing;

namespace Schane.Tests.Data.Dividing;

public sealed class DividedDataTests : IDisposable
{
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    private void Text(string path, string content) => root.Write(path, Encoding.UTF8.GetBytes(content));

    [Fact]
    public void A_folder_is_divided_and_divided_alike_again()
    {
        for (var i = 0; i < 20; i++)
            foreach (var name in new[] { "a", "b" })
                root.Write($"pics/{name}/{i}.png", Pictures.Flat(2, 2, 1, 1, 1));
        var data = DividedData.Open(Path.Combine(root.Path, "pics"), seed: 3);
        Assert.Equal((26, 6, 8), (data.Train.Count, data.Validation!.Count, data.Test!.Count));
        var again = DividedData.Open(Path.Combine(root.Path, "pics"), seed: 4, saved: data.Splits);
        Assert.Equal(Names(data.Test), Names(again.Test!));
    }

    [Fact]
    public void An_index_keeps_its_parts()
    {
        Text("list.csv", "path,label,split\na.png,x,train\nb.png,y,train\nc.png,x,test\nd.png,x,train\n");
        var data = DividedData.Open(Path.Combine(root.Path, "list.csv"), validation: 0);
        Assert.Equal(["a.png", "b.png", "d.png"], Names(data.Train));
        Assert.Equal(["c.png"], Names(data.Test!));
        Assert.Null(data.Validation);
    }

    [Fact]
    public void An_index_without_training_images_is_refused()
    {
        Text("list.csv", "path,label,split\na.png,x,testing\nb.png,y,Holdout\n");
        Assert.Contains("its parts are test",
            Assert.Throws<SchaneException>(() => DividedData.Open(Path.Combine(root.Path, "list.csv"))).Message);
    }

    [Fact]
    public void A_benchmark_with_a_test_part_gives_some_of_its_training_images_for_validation()
    {
        Text("CUB_200_2011/images.txt", string.Concat(Enumerable.Range(1, 20).Select(i => $"{i} c{i % 2}/{i}.jpg\n")));
        Text("CUB_200_2011/image_class_labels.txt", string.Concat(Enumerable.Range(1, 20).Select(i => $"{i} {i % 2 + 1}\n")));
        Text("CUB_200_2011/train_test_split.txt", string.Concat(Enumerable.Range(1, 20).Select(i => $"{i} {(i <= 16 ? 1 : 0)}\n")));
        Text("CUB_200_2011/classes.txt", "1 c0\n2 c1\n");
        var data = DividedData.Open("cub", validation: 0.25, dataRoot: root.Path);
        Assert.Equal((12, 4, 4), (data.Train.Count, data.Validation!.Count, data.Test!.Count));
    }

    [Fact]
    public void A_set_for_episodes_is_not_trained_and_tested_as_a_classifier()
    {
        Text("mini-imagenet/train.csv", "filename,label\na.jpg,n1\n");
        Text("mini-imagenet/val.csv", "filename,label\nb.jpg,n2\n");
        Text("mini-imagenet/test.csv", "filename,label\nc.jpg,n3\n");
        Assert.Contains("schane fewshot",
            Assert.Throws<SchaneException>(() => DividedData.Open("mini-imagenet", dataRoot: root.Path)).Message);
    }

    private static List<string> Names(IImageDataset images) => [.. Enumerable.Range(0, images.Count).Select(images.NameOf)];

    [Fact]
    public void Names_that_an_expression_puts_together_stay_in_one_part()
    {
        for (var i = 0; i < 30; i++)
            foreach (var name in new[] { "a", "b" })
                root.Write($"pics/{name}/film{i / 3}_{i}.png", Pictures.Flat(2, 2, 1, 1, 1));
        var path = Path.Combine(root.Path, "pics");
        string Group(string name) => name.Split('_')[0];
        foreach (var data in new[] { DividedData.Open(path, groupBy: @"^(.*/film\d+)_"), DividedData.Open(path, groupBy: @"^(.)/film(\d+)"),
            DividedData.Open(path, folds: 5, seed: 3, groupBy: @".*film\d+_") })
        {
            var parts = new[] { data.Train, data.Validation!, data.Test! }.SelectMany((part, p) => Names(part).Select(n => (Group(n), p)))
                .Distinct().ToList();
            Assert.Equal(20, parts.Count);
            Assert.Equal(60, data.Train.Count + data.Validation!.Count + data.Test!.Count);
        }
        // Without it, groups are torn apart.
        Assert.Contains(Names(DividedData.Open(path).Test!), n => Names(DividedData.Open(path).Train).Select(Group).Contains(Group(n)));
        Assert.Contains("matches none of the 60 names",
            Assert.Throws<SchaneException>(() => DividedData.Open(path, groupBy: "animal")).Message);
        Assert.Contains("no regular expression", Assert.Throws<SchaneException>(() => DividedData.Open(path, groupBy: "(")).Message);
        Assert.Contains("no regular expression", Assert.Throws<SchaneException>(() => DividedData.Open(path, groupBy: @"(a)\1")).Message);
    }

    [Fact]
    public void A_column_of_an_index_keeps_its_groups_together()
    {
        Text("list.csv", "path,label,animal\n" +
            string.Concat(Enumerable.Range(0, 40).Select(i => $"{i}.png,{(i < 20 ? "x" : "y")},{(i == 7 ? "" : i / 4)}\n")));
        var data = DividedData.Open(Path.Combine(root.Path, "list.csv"), groupBy: "animal");
        string Group(string name) => name == "7.png" ? "alone" : $"{int.Parse(name[..^4]) / 4}";
        Assert.Equal(11, new[] { data.Train, data.Validation!, data.Test! }.SelectMany((part, p) => Names(part).Select(n => (Group(n), p)))
            .Distinct().Count());
        Text("list.jsonl", string.Concat(Enumerable.Range(0, 40)
            .Select(i => $"{{\"path\":\"{i}.png\",\"label\":\"{(i < 20 ? "x" : "y")}\",\"animal\":{i / 4}}}\n")));
        Assert.NotNull(DividedData.Open(Path.Combine(root.Path, "list.jsonl"), groupBy: "animal").Test);
        Assert.Contains("is no column",
            Assert.Throws<SchaneException>(() => DividedData.Open(Path.Combine(root.Path, "list.csv"), groupBy: "anima")).Message);
    }
}
