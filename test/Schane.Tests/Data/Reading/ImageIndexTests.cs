using System.Text;
using Schane.Data;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Reading;

public sealed class ImageIndexTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Index(string name, string content) => folder.Write(name, Encoding.UTF8.GetBytes(content));

    [Fact]
    public void A_csv_gives_paths_labels_and_parts()
    {
        folder.Write("pics/a,1.png", Pictures.Flat(3, 2, 1, 2, 3));
        var path = Index("list.csv",
            "\uFEFFsplit,path,label,note\r\ntrain,\"pics/a,1.png\",dog,\"two\nlines, \"\"quoted\"\"\"\r\n\r\ntest,pics/b.png,cat,\r\n");
        var index = ImageIndex.Open(path);
        Assert.Equal(["cat", "dog"], index.Classes);
        Assert.Equal([("pics/a,1.png", 1, "train"), ("pics/b.png", 0, "test")],
            Enumerable.Range(0, 2).Select(i => (index.NameOf(i), index.LabelOf(i), index.PartOf(i)!)));
        Assert.Equal(3, index.Read(0).Width);
        Assert.Equal(["pics/b.png"], Enumerable.Range(0, 1).Select(index.Part("test").NameOf));
        Assert.IsType<ImageIndex>(DatasetCatalog.Open(path));
    }

    [Fact]
    public void Json_lines_give_the_same()
    {
        var index = ImageIndex.Open(Index("list.jsonl",
            "{\"path\":\"x.png\",\"label\":7,\"split\":\"train\"}\n\n{\"path\":\"y.png\",\"label\":\"b\",\"split\":\"val\"}\n"));
        Assert.Equal([("x.png", "7", "train"), ("y.png", "b", "val")],
            Enumerable.Range(0, 2).Select(i => (index.NameOf(i), index.Classes[index.LabelOf(i)], index.PartOf(i)!)));
    }

    [Theory]
    [InlineData("x.csv", "photo,label\na.png,b\n", "no column 'path' (file_name, filename, file, image); it has photo, label")]
    [InlineData("x.csv", "path,labels\na.png,b\n", "did you mean 'labels'")]
    [InlineData("x.csv", "path,label\na.png\n", "line 2: 1 fields")]
    [InlineData("x.csv", "path,label\n\"a.png,b\n", "line 2: a quote is opened")]
    [InlineData("x.csv", "path,label\n", "lists no images")]
    [InlineData("x.csv", "path,label\n../a.png,b\n", "line 2: '../a.png' lies outside", true)]
    [InlineData("x.csv", "path,label\n/etc/a.png,b\n", "line 2: '/etc/a.png' lies outside", true)]
    [InlineData("x.jsonl", "{\"path\":\"a.png\"}\n", "line 1 has no text or number 'label'")]
    [InlineData("x.jsonl", "{\"path\":\n", "line 1 is not JSON")]
    [InlineData("x.jsonl", "[1]\n", "line 1 has no text or number 'path'")]
    public void What_is_wrong_is_named_with_its_line(string name, string content, string expected, bool rooted = false) =>
        Assert.Contains(expected, Assert.Throws<SchaneException>(
            () => ImageIndex.Open(Index(name, content), new() { Root = rooted ? folder.Path : null })).Message);

    [Fact]
    public void A_label_outside_the_list_of_classes_is_refused() =>
        Assert.Contains("line 3: 'catt' is not among the 2 classes (did you mean 'cat'?)", Assert.Throws<SchaneException>(() =>
            ImageIndex.Open(Index("x.csv", "path,label\na.png,cat\nb.png,catt\n"), new() { Classes = ["dog", "cat"] })).Message);

    [Fact]
    public void A_missing_index_is_named() =>
        Assert.Contains("gone.csv",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open(Path.Combine(folder.Path, "gone.csv"))).Message);
}
