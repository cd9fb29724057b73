using System.Text;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Listing;

/// <summary>Lists as spreadsheets and the Hugging Face hub write them, and what is wrong in lists.</summary>
public sealed class ListTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string List(string content, string name = "list.csv", Encoding? encoding = null) =>
        folder.Write(name, [.. (encoding ?? new UTF8Encoding(false)).GetPreamble(), .. (encoding ?? Encoding.UTF8).GetBytes(content)]);

    private static string Refusal(string path) => Assert.Throws<SchaneException>(() => ImageIndex.Open(path)).Message;

    private static IEnumerable<string> Rows(ImageIndex list) =>
        Enumerable.Range(0, list.Count).Select(i => $"{list.NameOf(i)} {list.Classes[list.LabelOf(i)]} {list.PartOf(i)}".TrimEnd());

    [Theory]
    [InlineData("path,label,split\nx/1.png,a,train\nx/2.png,b,valid\n", "list.csv")]
    [InlineData("path;label;split\r\nx/1.png;a;Training\r\nx/2.png;b;Dev\r\n", "list.csv")]
    [InlineData("sep=;\r\npath;label;split\r\nx/1.png;a;train\r\nx/2.png;b;val\r\n", "list.csv")]
    [InlineData("path\tlabel\tsplit\nx/1.png\ta\ttrain\nx/2.png\tb\teval\n", "list.tsv")]
    [InlineData("Path,Label,SPLIT\nx/1.png,a,TRAIN\nx/2.png,b,Validation\n", "list.csv")]
    [InlineData("file_name,class,subset\nx/1.png,a,train\nx/2.png,b,val\n", "list.csv")]
    [InlineData("File Name,Category,Part\nx\\1.png,a,training set\nx\\2.png,b,val\n", "list.csv")]
    [InlineData("filename,label,split\n./x/1.png, a,train\nx//2.png,b ,val\n", "list.csv")]
    [InlineData("image,label,split\nx/1.png,a,train\nx/2.png,b,val\n", "list.csv")]
    [InlineData("{\"file_name\":\"x/1.png\",\"Label\":\"a\",\"split\":\"training\"}\n{\"file_name\":\"x/2.png\",\"Label\":\"b\"," +
        "\"split\":\"dev\"}\n", "list.jsonl")]
    public void The_same_list_is_read_alike_however_it_is_written(string content, string name) =>
        Assert.Equal(["x/1.png a train", "x/2.png b val"], Rows(ImageIndex.Open(List(content, name))));

    [Fact]
    public void Byte_order_marks_of_all_encodings_are_understood()
    {
        Encoding[] all = [new UTF8Encoding(true), new UnicodeEncoding(false, true), new UnicodeEncoding(true, true)];
        foreach (var encoding in all)
            foreach (var (text, name) in new[] { ("path,label\nx.png,\u00e4\n", "list.csv"), ("{\"path\":\"x.png\",\"label\":\"\u00e4\"}\n",
                "list.jsonl") })
                Assert.Equal(["x.png \u00e4"], Rows(ImageIndex.Open(List(text, name, encoding))));
    }

    [Fact]
    public void Columns_can_be_named()
    {
        var path = List("id,where,what,fold,label\n1,x.png,a,test,?\n2,y.png,b,train,?\n");
        Assert.Equal(["x.png a test", "y.png b train"], Rows(ImageIndex.Open(path,
            new() { PathColumn = "Where", LabelColumn = "what", SplitColumn = "fold" })));
        Assert.Contains("'folds'; it has id, where, what, fold, label (did you mean 'fold'?). Name the column with --split-column",
            Assert.Throws<SchaneException>(() => ImageIndex.Open(path, new() { PathColumn = "where", SplitColumn = "folds" })).Message);
        Assert.Contains("--path-column", Refusal(path));
    }

    [Theory]
    [InlineData("path,label,split\nx,a,train\ny,b,tset\n", "line 3: 'tset' is no name of a part; parts are called train, training,")]
    [InlineData("path,label,split\nx,a,dev\ny,b,eval\n", "has 'dev' and 'eval', which both mean val")]
    [InlineData("path,label\nx,\n", "line 2: 'x' has no label. Give it one, write -1")]
    [InlineData("path,label\nx,  \n", "line 2: 'x' has no label")]
    [InlineData("path,label\n,a\n", "line 2 has no path")]
    [InlineData("path,label\nx,a\ny,b\n./x,b\n", "line 4: 'x' has the label 'b', but in line 2 'a'. Keep one")]
    [InlineData("path,label,split\nx,a,train\nx,a,test\n", "line 3: 'x' is for test, but in line 2 for train. Keep one")]
    [InlineData("path,Label,class\nx,a,b\n", "'Label' and 'class'; say which with --label-column, as --label-column Label")]
    [InlineData("path,label,LABEL,category\nx,a,b,c\n", "has 3 columns that may hold the labels, 'label' and 'LABEL' and 'category'")]
    [InlineData("path,label\nC:\\data\\x.png,a\n", "'C:\\data\\x.png' is a path of a Windows machine")]
    public void What_contradicts_itself_is_refused_with_its_line(string content, string expected) =>
        Assert.Contains(expected, Refusal(List(content)));

    [Fact]
    public void A_list_that_is_not_utf_8_is_refused_with_its_line() => Assert.Contains("line 3 is not text in UTF-8",
        Refusal(List("path,label\nx.png,a\ny.png,\u00e4t\u00e9\n", encoding: Encoding.Latin1)));

    [Fact]
    public void Rows_that_are_not_used_are_counted_by_reason()
    {
        var list = ImageIndex.Open(
            List("path,label,split\n1,a,train\n2,b,train\n3,-1,train\n4,a,\n5,b,test\n1,a,train\n6,b,\n../7,a,train\n"));
        Assert.Equal(["1 a train", "2 b train", "5 b test", "../7 a train"], Rows(list));
        Assert.Equal("Not used: 1 row has the label -1 (not labelled) ('3'); 2 rows name no part ('4' first); 1 row repeats an image of " +
            "another row ('1').", list.Account.Sentence);
        Assert.Contains("1 image lies outside the folder of the list ('../7')", Assert.Single(list.Account.Notes));
        var data = DividedData.Open(Path.Combine(folder.Path, "list.csv"));
        Assert.Equal((2, 0), (data.Splits!.NotUsed!["row of no part"], data.Unlisted));
        Assert.Contains(list.Account.Sentence!, data.Warnings);
    }

    [Fact]
    public void Labels_that_differ_by_white_space_or_unicode_form_are_one_class_and_it_is_said()
    {
        var list = ImageIndex.Open(List("path, label\n1, a\n2,a \n3,caf\u00e9\n4,cafe\u0301\n5,Cat\n6,cat\n7,hot dog\n8,hotdog\n"));
        Assert.Equal(["Cat", "a", "caf\u00e9", "cat", "hot dog", "hotdog"], list.Classes);
        foreach (var said in new[] { "White space around labels is taken off (' a' is the class 'a')", "'caf\u00e9' is written in composed",
            "'Cat' and 'cat' differ by case", "'hot dog' and 'hotdog' differ by" })
            Assert.Contains(list.Account.Notes, note => note.Contains(said));
    }

    [Fact]
    public void Groups_go_by_the_rows_that_are_used()
    {
        var rows = Enumerable.Range(0, 40).Select(i => $"{i}.png,{(i % 5 == 0 ? "-1" : i < 20 ? "x" : "y")},{i / 4}\n");
        var data = DividedData.Open(List("path,label,animal\n" + string.Concat(rows)), groupBy: "animal");
        static IEnumerable<int> Groups(IImageDataset part) =>
            Enumerable.Range(0, part.Count).Select(i => int.Parse(part.NameOf(i)[..^4]) / 4).Distinct();
        Assert.Equal(10, Groups(data.Train).Concat(Groups(data.Validation!)).Concat(Groups(data.Test!)).Count());
    }

    [Fact]
    public void A_part_of_a_list_is_opened_by_its_name_and_one_class_is_refused()
    {
        var path = List("path,label,split\n1,a,training\n2,b,training\n3,a,test\n");
        Assert.Equal((2, 1), (DatasetCatalog.Open($"{path}:train").Count, DatasetCatalog.Open($"{path}:test").Count));
        Assert.Contains("no images of the part val", Assert.Throws<SchaneException>(() => DatasetCatalog.Open($"{path}:val")).Message);
        Assert.Contains("holds one class, 'a'",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open(List("path,label\n1,a\n2,a\n"))).Message);
    }
}
