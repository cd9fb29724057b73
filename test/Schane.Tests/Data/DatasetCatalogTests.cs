using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Reading;

namespace Schane.Tests.Data;

public class DatasetCatalogTests
{
    [Fact]
    public void A_name_opens_its_first_part_and_a_part_its_own()
    {
        Assert.Equal("lookalikes:train", DatasetCatalog.Open("lookalikes").Name);
        Assert.Equal("lookalikes:base", DatasetCatalog.Open("lookalikes:base").Name);
    }

    [Fact]
    public void A_misspelt_name_or_part_suggests_the_nearest()
    {
        Assert.Contains("did you mean 'omniglot'", Assert.Throws<SchaneException>(() => DatasetCatalog.Open("omniglott:small1")).Message);
        Assert.Contains("did you mean 'small1'", Assert.Throws<SchaneException>(() => DatasetCatalog.Open("omniglot:smal1")).Message);
    }

    [Fact]
    public void A_path_is_a_folder_even_where_it_is_called_like_a_data_set()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "a", "b" })
            folder.Write($"lookalikes/{name}/1.png", Pictures.Flat(2, 2, 1, 2, 3));
        Assert.IsType<ImageFolder>(DatasetCatalog.Open(Path.Combine(folder.Path, "lookalikes")));
        Assert.Contains("no folder", Assert.Throws<SchaneException>(() => DatasetCatalog.Open("./lookalikes")).Message);
    }

    [Fact]
    public void A_folder_of_the_data_root_is_found_by_its_name()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "a", "b" })
            folder.Write($"mine/{name}/1.png", Pictures.Flat(2, 2, 1, 2, 3));
        Assert.Equal("mine", DatasetCatalog.Open("mine", folder.Path).Name);
    }

    [Fact]
    public void A_part_of_a_divided_folder_is_named_behind_a_colon()
    {
        using var folder = new TemporaryFolder();
        foreach (var (part, count) in ((string, int)[])[("train", 3), ("test", 2)])
            foreach (var name in new[] { "a", "b" })
                for (var i = 0; i < count; i++)
                    folder.Write($"mine/{part}/{name}/{i}.png", Pictures.Flat(2, 2, 1, 2, 3));
        Assert.Equal(("mine:test", 4),
            (DatasetCatalog.Open("mine:test", folder.Path).Name, DatasetCatalog.Open("mine:test", folder.Path).Count));
        Assert.Equal(6, DatasetCatalog.Open($"{folder.Path}/mine:train").Count);
        Assert.Null(DividedData.Open("mine:train", dataRoot: folder.Path).Test);
        Assert.Contains("no data set and no folder 'mine:tset'",
            Assert.Throws<SchaneException>(() => DatasetCatalog.Open("mine:tset", folder.Path)).Message);
    }

    [Fact]
    public void Every_entry_has_its_own_name_and_says_what_it_is()
    {
        Assert.Equal(DatasetCatalog.Entries.Count, DatasetCatalog.Entries.Select(e => e.Name).Distinct().Count());
        Assert.All(DatasetCatalog.Entries, e => Assert.NotEmpty(e.Summary));
    }
}
