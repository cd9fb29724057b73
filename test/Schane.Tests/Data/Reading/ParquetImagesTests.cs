using Parquet.Serialization;
using Schane.Data;
using Schane.Data.Dividing;

namespace Schane.Tests.Data.Reading;

/// <summary>Parquet files in the layout of image sets on the Hugging Face hub (docs: "Image dataset", features in
/// the key huggingface).</summary>
public sealed class ParquetImagesTests : IDisposable
{
    private const string Features = """{"info": {"features": {"img": {"_type": "Image"}, "fine_label": {"names": """ +
        """["apple", "fish"], "_type": "ClassLabel"}, "coarse_label": {"names": ["x"], "_type": "ClassLabel"}}}}""";
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    private async Task Write<T>(string file, IReadOnlyCollection<T> rows, string? features = Features) where T : class, new()
    {
        using var stream = new MemoryStream();
        await ParquetSerializer.SerializeAsync(rows, stream, new() { RowGroupSize = 2 },
            features is null ? null : new Dictionary<string, string> { ["huggingface"] = features }, TestContext.Current.CancellationToken);
        root.Write(file, stream.ToArray());
    }

    private static Row Picture(byte red, long? label) =>
        new() { img = new() { bytes = Pictures.Flat(3, 2, red, 1, 1), path = "x.png" }, fine_label = label };

    [Fact]
    public async Task A_folder_of_parquet_files_is_divided_as_their_names_say()
    {
        await Write("set/data/train-00000-of-00002.parquet", [Picture(1, 0), Picture(2, 1), Picture(3, 1)]);
        await Write("set/data/train-00001-of-00002.parquet", [Picture(4, 0), Picture(5, 1)]);
        await Write("set/data/test-00000-of-00001.parquet", [Picture(6, 1)]);
        var data = DividedData.Open(Path.Combine(root.Path, "set"), validation: 0);
        Assert.Equal(["apple", "fish"], data.Train.Classes);
        Assert.Equal([(1, 0), (2, 1), (3, 1), (4, 0), (5, 1)],
            Enumerable.Range(0, data.Train.Count).Select(i => ((int)data.Train.Read(i).Pixels[0], data.Train.LabelOf(i))));
        Assert.Equal((1, 6, 1), (data.Test!.Count, data.Test.Read(0).Pixels[0], data.Test.LabelOf(0)));
    }

    [Fact]
    public async Task A_file_without_metadata_is_read_by_its_columns()
    {
        await Write("one.parquet", [new Plain { image = new() { bytes = Pictures.Flat(2, 2, 9, 1, 1) }, label = "cat" },
            new Plain { image = new() { bytes = Pictures.Flat(2, 2, 8, 1, 1) }, label = "ant" }], features: null);
        var images = DatasetCatalog.Open(Path.Combine(root.Path, "one.parquet"));
        Assert.Equal(["ant", "cat"], images.Classes);
        Assert.Equal((9, 1), (images.Read(0).Pixels[0], images.LabelOf(0)));
    }

    [Fact]
    public async Task A_row_without_an_image_is_a_bad_image_and_one_without_a_label_an_error()
    {
        await Write("a.parquet", [Picture(1, 0), new Row { fine_label = 1 }]);
        var images = DatasetCatalog.Open(Path.Combine(root.Path, "a.parquet"));
        Assert.Contains("it is empty", Assert.Throws<SchaneException>(() => images.Read(1)).Message);
        await Write("b.parquet", [Picture(1, 0), Picture(1, null)]);
        Assert.Contains("row 1 of group 0 has no label", Refusal("b.parquet"));
        await Write("c.parquet", [Picture(1, 7)]);
        Assert.Contains("label 7; there are 2 classes", Refusal("c.parquet"));
    }

    [Fact]
    public async Task Images_over_the_limit_are_refused_by_their_headers()
    {
        await Write("a.parquet", [new Plain { image = new() { bytes = Pictures.HugePng(1200, 1000) }, label = "cat" },
            new Plain { image = new() { bytes = Pictures.Flat(2, 2, 8, 1, 1) }, label = "ant" }], features: null);
        var images = DatasetCatalog.Open(Path.Combine(root.Path, "a.parquet"), options: new() { Limits = new() { MaxPixels = 1_000_000 } });
        Assert.Contains("1200 × 1000 = 1200000 pixels; images may have 1000000",
            Assert.Throws<SchaneException>(() => images.Read(0)).Message);
        Assert.Equal(1_000_000, ((IImageFiles)images).Limits.MaxPixels);
        Assert.Equal(8, images.Read(1).Pixels[0]);
    }

    [Fact]
    public async Task Other_tables_and_damaged_files_are_named()
    {
        await Write("a.parquet", [new Other { label = 1 }], features: null);
        Assert.Contains("no column of images", Refusal("a.parquet"));
        await Write("b.parquet", [new Unlabelled { image = new() { bytes = [1] } }], features: null);
        Assert.Contains("no column of labels", Refusal("b.parquet"));
        await Write("c.parquet", [Picture(1, 0)]);
        var whole = File.ReadAllBytes(Path.Combine(root.Path, "c.parquet"));
        foreach (var bytes in new[] { whole[..^5], [], "PAR1"u8.ToArray(), "not a table at all"u8.ToArray() })
        {
            root.Write("d.parquet", bytes);
            Assert.Contains("d.parquet", Refusal("d.parquet"));
        }
    }

    [Fact]
    public async Task Whole_numbers_booleans_and_text_are_labels_and_other_types_are_named()
    {
        byte[] picture = Pictures.Flat(2, 2, 8, 1, 1);
        await Write("i8.parquet", [new Of<sbyte> { image = new() { bytes = picture }, label = 10 },
            new Of<sbyte> { image = new() { bytes = picture }, label = 9 }], features: null);
        Assert.Equal(["9", "10"], DatasetCatalog.Open(Path.Combine(root.Path, "i8.parquet")).Classes);
        await Write("u16.parquet", [new Of<ushort> { image = new() { bytes = picture }, label = 1 },
            new Of<ushort> { image = new() { bytes = picture }, label = 0 }], features: null);
        Assert.Equal([1, 0], Labels("u16.parquet"));
        await Write("bool.parquet", [new Of<bool> { image = new() { bytes = picture }, label = true },
            new Of<bool> { image = new() { bytes = picture }, label = false }], features: null);
        Assert.Equal(["False", "True"], DatasetCatalog.Open(Path.Combine(root.Path, "bool.parquet")).Classes);
        await Write("float.parquet", [new Of<double> { image = new() { bytes = picture }, label = 0.5 }], features: null);
        Assert.Contains("the column 'label' holds Double; labels are whole numbers, true and false, or text", Refusal("float.parquet"));
    }

    [Fact]
    public async Task Rows_that_are_not_labelled_are_left_out_and_counted()
    {
        await Write("set/train-00000-of-00001.parquet", [Picture(1, 0), Picture(2, 1), Picture(3, -1)]);
        await Write("set/test-00000-of-00001.parquet", [Picture(4, -1), Picture(5, -1)]);
        root.Write("set/list.csv", [1]);
        var data = DividedData.Open(Path.Combine(root.Path, "set"), validation: 0);
        Assert.Equal([1, 2], Enumerable.Range(0, data.Train.Count).Select(i => (int)data.Train.Read(i).Pixels[0]));
        Assert.Null(data.Test);
        Assert.Contains("1 file or folder beside the Parquet files is not read ('list.csv'); 3 rows have the label -1", data.Warnings[0]);
        Assert.Equal(2, DatasetCatalog.Open(Path.Combine(root.Path, "set") + ":train").Count);
    }

    [Fact]
    public async Task The_words_for_parts_are_those_of_folders_and_files_may_lie_in_folders_of_parts()
    {
        await Write("hub/default/training/0000.parquet", [Picture(1, 0), Picture(2, 1)]);
        await Write("hub/default/holdout/0000.parquet", [Picture(3, 1)]);
        var data = DividedData.Open(Path.Combine(root.Path, "hub"), validation: 0);
        Assert.Equal((2, 1), (data.Train.Count, data.Test!.Count));
        await Write("hub/other/train/0000.parquet", [Picture(1, 0)]);
        Assert.Contains("in 'default' and 'other'; name one", Refusal("hub"));
        await Write("many/train.parquet", [Picture(1, 0), Picture(2, 1)]);
        await Write("many/dev-00000-of-00001.parquet", [Picture(3, 1)]);
        Assert.Equal(["train", "val"], ((IDividedImages)DatasetCatalog.Open(Path.Combine(root.Path, "many"))).Parts.Order());
        await Write("many/eval-00000-of-00001.parquet", [Picture(3, 1)]);
        Assert.Contains("which both mean val", Refusal("many"));
        File.Move(Path.Combine(root.Path, "many", "eval-00000-of-00001.parquet"), Path.Combine(root.Path, "many", "extra.parquet"));
        Assert.Contains("extra.parquet' is of no part", Refusal("many"));
    }

    [Fact]
    public async Task Two_columns_of_labels_are_asked_about_unless_the_metadata_tells()
    {
        byte[] picture = Pictures.Flat(2, 2, 8, 1, 1);
        Two[] rows = [new() { image = new() { bytes = picture }, label = 1, category = "x" }];
        await Write("two.parquet", rows, features: null);
        Assert.Contains("two.parquet' has 2 columns that may hold the labels, 'label' and 'category'; say which with --label-column",
            Refusal("two.parquet"));
        Assert.Equal(["x"], DatasetCatalog.Open(Path.Combine(root.Path, "two.parquet"),
            options: new() { LabelColumn = "category", MinClasses = 1 }).Classes);
        static string Called(params string[] columns) => "{\"info\": {\"features\": {" + string.Join(", ",
            columns.Select(c => $"\"{c}\": {{\"_type\": \"ClassLabel\", \"names\": [\"p\", \"q\"]}}")) + "}}}";
        await Write("told.parquet", rows, Called("label"));
        Assert.Equal(["p", "q"], DatasetCatalog.Open(Path.Combine(root.Path, "told.parquet")).Classes);
        await Write("both.parquet", rows, Called("label", "category"));
        Assert.Contains("'label' and 'category'", Refusal("both.parquet"));
    }

    private IEnumerable<int> Labels(string file)
    {
        var images = DatasetCatalog.Open(Path.Combine(root.Path, file));
        return Enumerable.Range(0, images.Count).Select(images.LabelOf);
    }

    private string Refusal(string file) => Assert.Throws<SchaneException>(() => DatasetCatalog.Open(Path.Combine(root.Path, file))).Message;

    public sealed class Picture8
    {
        public byte[]? bytes { get; set; }

        public string? path { get; set; }
    }

    public sealed class Row
    {
        public Picture8? img { get; set; }

        public long? fine_label { get; set; }

        public long coarse_label { get; set; }
    }

    public sealed class Plain
    {
        public Picture8? image { get; set; }

        public string? label { get; set; }
    }

    public sealed class Of<T>
    {
        public Picture8? image { get; set; }

        public T? label { get; set; }
    }

    public sealed class Two
    {
        public Picture8? image { get; set; }

        public long label { get; set; }

        public string? category { get; set; }
    }

    public sealed class Other
    {
        public long label { get; set; }
    }

    public sealed class Unlabelled
    {
        public Picture8? image { get; set; }
    }
}
