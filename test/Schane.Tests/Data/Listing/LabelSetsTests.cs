using System.Text;
using Parquet.Serialization;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Jobs;
using static TorchSharp.torch;

namespace Schane.Tests.Data.Listing;

/// <summary>Images of several classes each: in lists, in Parquet files, and linked in several class folders.</summary>
public sealed class LabelSetsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private IImageDataset List(string content, string name = "list.csv", bool? multiLabel = null) =>
        DatasetCatalog.Open(folder.Write(name, Encoding.UTF8.GetBytes(content)), options: new() { MultiLabel = multiLabel });

    private static IEnumerable<string> Rows(IImageDataset images) => Enumerable.Range(0, images.Count)
        .Select(i => $"{images.NameOf(i)} {string.Join('+', images.LabelsOf(i).Select(label => images.Classes[label]))}");

    [Theory]
    [InlineData("path,label\n1.png,cat;dog\n2.png,dog\n3.png,dog;\n", "list.csv")]
    [InlineData("path;label\n1.png;dog| cat\n2.png;dog\n3.png;dog\n", "list.csv")]
    [InlineData("path\tlabel\n1.png\tcat|dog|cat\n2.png\tdog\n3.png\tdog\n", "list.tsv")]
    [InlineData("{\"path\":\"1.png\",\"label\":[\"dog\",\"cat\"]}\n{\"path\":\"2.png\",\"label\":[\"dog\"]}\n" +
        "{\"path\":\"3.png\",\"label\":\"dog\"}\n", "list.jsonl")]
    public void Labels_stand_in_one_text_or_in_an_array(string content, string name)
    {
        var images = List(content, name);
        Assert.True(images.IsMultiLabel);
        Assert.Equal(["cat", "dog"], images.Classes);
        Assert.Equal(["1.png cat+dog", "2.png dog", "3.png dog"], Rows(images));
        Assert.Equal([0, 1, 1], Enumerable.Range(0, 3).Select(images.LabelOf));                  // the rarer one divides
        Assert.Contains(IAccounted.Of(images).Sentences, s => s.StartsWith(
            "1 of 3 images have several classes ('1.png' first: 'cat', 'dog')", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_of_classes_stay_whole_and_arrays_are_refused_where_several_are_ruled_out()
    {
        var images = List("path,label\n1.png,AC;DC\n2.png,Queen\n", multiLabel: false);
        Assert.False(images.IsMultiLabel);
        Assert.Equal(["AC;DC", "Queen"], images.Classes);
        Assert.Contains("line 1: '1.png' has 2 labels, 'a' and 'b', but multi-label is false", Assert.Throws<SchaneException>(() =>
            List("{\"path\":\"1.png\",\"label\":[\"a\",\"b\"]}\n", "list.jsonl", multiLabel: false)).Message);
    }

    [Fact]
    public void Lines_of_one_image_are_put_together_where_it_may_have_several_classes_and_doubted_elsewhere()
    {
        const string lines = "path,label\n1.png,cat\n2.png,dog\n1.png,dog\n";
        Assert.Equal(["1.png cat+dog", "2.png dog"], Rows(List(lines, multiLabel: true)));
        Assert.Contains("Keep one of the lines, or set multi-label", Assert.Throws<SchaneException>(() => List(lines)).Message);
    }

    [Fact]
    public void An_image_without_a_class_is_refused_and_so_is_minus_one_beside_others()
    {
        Assert.Contains("line 2: '1.png' has no label",
            Assert.Throws<SchaneException>(() => List("path,label\n1.png,;\n2.png,a;b\n")).Message);
        Assert.Contains("-1 beside other labels",
            Assert.Throws<SchaneException>(() => List("path,label\n1.png,a;-1\n2.png,b\n")).Message);
    }

    [Fact]
    public void An_image_that_is_linked_in_several_class_folders_is_of_all_these_classes()
    {
        folder.Write("p/cat/1.png", Pictures.Flat(2, 2, 1, 2, 3));
        folder.Write("p/dog/2.png", Pictures.Flat(2, 2, 4, 5, 6));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "p/dog/1.png"), Path.Combine(folder.Path, "p/cat/1.png"));
        var path = Path.Combine(folder.Path, "p");
        Assert.Equal(["cat/1.png cat+dog", "dog/2.png dog"], Rows(DatasetCatalog.Open(path)));
        Assert.Equal(["cat/1.png cat", "dog/1.png dog", "dog/2.png dog"],
            Rows(DatasetCatalog.Open(path, options: new() { MultiLabel = false })));
        Assert.Equal([("cat", 1), ("dog", 2)], new FolderCheck { MinImages = 1 }.Run(path).Classes.Select(c => (c.Class, c.Images)));
    }

    [Fact]
    public void One_file_in_two_parts_under_other_classes_is_refused()
    {
        folder.Write("p/train/cat/1.png", Pictures.Flat(2, 2, 1, 2, 3));
        folder.Write("p/train/dog/2.png", Pictures.Flat(2, 2, 4, 5, 6));
        Directory.CreateDirectory(Path.Combine(folder.Path, "p/test/dog"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "p/test/dog/1.png"), Path.Combine(folder.Path, "p/train/cat/1.png"));
        Assert.Contains("are one file, in two parts",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open(Path.Combine(folder.Path, "p"))).Message);
    }

    [Fact]
    public async Task Parquet_files_hold_lists_of_numbers_or_texts()
    {
        const string features = """{"info": {"features": {"labels": {"_type": "List", "feature": {"names": """ +
            """["ant", "bee", "cat"], "_type": "ClassLabel"}}}}}""";
        await Write("numbers.parquet", [new Of<List<long>> { labels = [2, 0] }, new Of<List<long>> { labels = [1] }], features);
        await Write("texts.parquet", [new Of<List<string>> { labels = ["cat"] }, new Of<List<string>> { labels = ["bee", "ant"] }]);
        Assert.Equal(["numbers/000000 ant+cat", "numbers/000001 bee"],
            Rows(DatasetCatalog.Open(Path.Combine(folder.Path, "numbers.parquet"))));
        Assert.Equal(["texts/000000 cat", "texts/000001 ant+bee"],
            Rows(DatasetCatalog.Open(Path.Combine(folder.Path, "texts.parquet"))));
        await Write("empty.parquet", [new Of<List<string>> { labels = ["cat"] }, new Of<List<string>> { labels = [] }]);
        Assert.Contains("row 1 of group 0 has no label",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open(Path.Combine(folder.Path, "empty.parquet"))).Message);
    }

    [Fact]
    public void Parts_caches_and_other_numberings_keep_all_labels()
    {
        var images = List("path,label\n1.png,a;b\n2.png,b\n3.png,c;a\n");
        IImageDataset some = new CachedDataset(new Subset(images, [2, 0]));
        Assert.Equal(["3.png a+c", "1.png a+b"], Rows(some));
        IImageDataset renumbered = new ClassesOf(some, ["c", "b", "x", "a"]);
        Assert.True(renumbered.IsMultiLabel);
        Assert.Equal([[0, 3], [1, 3]], Enumerable.Range(0, 2).Select(renumbered.LabelsOf));
        Assert.Contains("Class 'c' of list is not among",
            Assert.Throws<SchaneException>(() => new ClassesOf(images, ["a", "b"])).Message);
    }

    [Fact]
    public void A_batch_says_which_classes_each_row_shows()
    {
        using var batch = new BatchMaker(new Sets([[0, 2], [1]]), new PixelAndChance(), new() { Views = 2, MultiLabel = true })
            .Make(0, 0, [1, 0]);
        Assert.Equal(tensor([0f, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], [4, 3]).data<float>().ToArray(), batch.Targets!.data<float>().ToArray());
    }

    private async Task Write<T>(string file, IReadOnlyCollection<Of<T>> rows, string? features = null)
    {
        using var stream = new MemoryStream();
        foreach (var row in rows)
            row.image = new() { bytes = Pictures.Flat(2, 2, 1, 2, 3) };
        await ParquetSerializer.SerializeAsync(rows, stream, null,
            features is null ? null : new Dictionary<string, string> { ["huggingface"] = features }, TestContext.Current.CancellationToken);
        folder.Write(file, stream.ToArray());
    }

    public sealed class Of<T>
    {
        public Picture? image { get; set; }

        public T? labels { get; set; }
    }

    public sealed class Picture
    {
        public byte[]? bytes { get; set; }
    }

    private sealed class Sets(int[][] labels) : IImageDataset
    {
        public string Name => "sets";

        public IReadOnlyList<string> Classes => ["a", "b", "c"];

        public int Count => labels.Length;

        public bool IsMultiLabel => true;

        public int LabelOf(int index) => labels[index][0];

        public IReadOnlyList<int> LabelsOf(int index) => labels[index];

        public string NameOf(int index) => $"{index}";

        public Image8 Read(int index) => new(1, 1, 1, [(byte)index]);
    }
}
