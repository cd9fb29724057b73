using Schane.Checkpoints;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Tests.Data;

namespace Schane.Tests.Evaluation.Embeddings;

public sealed class EmbeddedImagesTests : IDisposable
{
    private static readonly EmbeddedImages Three = new(
        new EmbeddingSet([1, 2, 3, 4, 5, 6.5f], 2, [0, 1, 0], ["a, b", "<i>\"c\"</i>"]),
        ["a/1.png", "c/é 2.png", "a/3.png"], ["train", "train", "test"]);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("e.safetensors")]
    [InlineData("e.parquet")]
    public void A_file_gives_back_what_was_saved(string name)
    {
        Three.Save(At(name));
        var read = EmbeddedImages.Load(At(name));
        Assert.Equal(Three.Embeddings.Values, read.Embeddings.Values);
        Assert.Equal(2, read.Embeddings.Width);
        Assert.Equal(Three.Embeddings.Labels, read.Embeddings.Labels);
        Assert.Equal(Three.Embeddings.Classes, read.Embeddings.Classes);
        Assert.Equal(Three.Images, read.Images);
        Assert.Equal(Three.Parts, read.Parts);
    }

    [Fact]
    public void An_array_for_numpy_stands_beside_a_table_of_its_rows()
    {
        Three.Save(At("e.npy"));
        Assert.Equal(0, (new FileInfo(At("e.npy")).Length - 6 * sizeof(float)) % 64);
        using var array = CheckpointFile.Open(At("e.npy"));
        using var values = array.Read(array.Names.Single());
        Assert.Equal([3, 2], values.shape);
        Assert.Equal(Three.Embeddings.Values, values.data<float>().ToArray());
        Assert.Equal("image,part,label,class\na/1.png,train,0,\"a, b\"\nc/é 2.png,train,1,\"<i>\"\"c\"\"</i>\"\na/3.png,test,0,\"a, b\"\n",
            File.ReadAllText(At("e.csv")));
    }

    [Fact]
    public void A_part_keeps_its_images_in_order()
    {
        var train = Three.Part("train")!;
        Assert.Equal(["a/1.png", "c/é 2.png"], train.Images);
        Assert.Equal([0, 1], train.Embeddings.Labels);
        Assert.Null(Three.Part("val"));
        Assert.Equal(Three.Embeddings.Values, EmbeddedImages.Join(train, Three.Part("test")!).Embeddings.Values);
    }

    [Theory]
    [InlineData("missing.safetensors", "There are no embeddings")]
    [InlineData("missing.parquet", "There are no embeddings")]
    [InlineData("e.txt", "must end with .safetensors, .npy or .parquet")]
    public void What_is_no_file_of_embeddings_is_refused_by_name(string name, string rule)
    {
        var error = Assert.Throws<SchaneException>(() =>
        {
            if (name.StartsWith('e')) Three.Save(At(name));
            else
                EmbeddedImages.Load(At(name));
        });
        Assert.Contains(rule, error.Message);
        Assert.Contains(name, error.Message);
    }

    [Fact]
    public void A_table_of_other_columns_and_a_damaged_one_are_refused()
    {
        PredictedItem.Save(At("items.parquet"), [new PredictedItem { Image = "x", Confidence = double.NaN }]);
        Assert.Contains("items.parquet", Assert.Throws<SchaneException>(() => EmbeddedImages.Load(At("items.parquet"))).Message);
        File.WriteAllText(At("broken.parquet"), "PAR1 no");
        Assert.Contains("broken.parquet", Assert.Throws<SchaneException>(() => EmbeddedImages.Load(At("broken.parquet"))).Message);
        var item = Assert.Single(PredictedItem.Load(At("items.parquet")));
        Assert.Equal(("x", true), (item.Image, double.IsNaN(item.Confidence)));
    }

    private string At(string name) => Path.Combine(folder.Path, name);
}
