namespace Schane.Tests.Data.Sets;

public sealed partial class BenchmarkSetsTests
{
    [Fact]
    public void Inaturalist_follows_the_json_and_passes_over_repeated_ids()
    {
        Text("inat2017/val2017.json", """
            {"info": {}, "images": [{"id": 5, "file_name": "train_val_images/Aves/Gull/b.jpg", "width": 3},
              {"id": 4, "file_name": "train_val_images/Aves/Tern/a.jpg"}, {"id": 5, "file_name": "again.jpg"}],
             "annotations": [{"image_id": 4, "category_id": 20, "id": 1},
              {"image_id": 5, "category_id": 10, "id": 2}, {"image_id": 5, "category_id": 20, "id": 3}],
             "categories": [{"id": 20, "name": "Tern", "supercategory": "Aves"}, {"id": 10, "name": "Gull", "supercategory": "Aves"}]}
            """);
        Assert.Equal([("train_val_images/Aves/Gull/b.jpg", "Gull"), ("train_val_images/Aves/Tern/a.jpg", "Tern")], Open("inat2017:val"));
        Text("inat2017/train2017.json", "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"annotations\": [], \"categories\": []}");
        Assert.Contains("train2017.json", Refusal("inat2017:train"));
    }

    [Fact]
    public void Places_strip_the_leading_slash()
    {
        Text("places365/categories_places365.txt", "/a/airfield 0\n/b/bakery/shop 1\n");
        Text("places365/places365_train_standard.txt", "/b/bakery/shop/00000001.jpg 1\n");
        Text("places365/places365_val.txt", "Places365_val_00000001.jpg 0\n");
        Assert.Equal([("data_256/b/bakery/shop/00000001.jpg", "b/bakery/shop")], Open("places365:train"));
        Assert.Equal([("val_256/Places365_val_00000001.jpg", "a/airfield")], Open("places365:val"));
        Text("places365/places365_val.txt", "x.jpg 2\n");
        Assert.Contains("label 2; there are 2 classes", Refusal("places365:val"));
    }

    [Fact]
    public void Imagenet_reads_class_folders_or_a_flat_validation_folder_with_its_list()
    {
        foreach (var file in new[] { "train/n02/a.JPEG", "train/n01/b.JPEG", "val/v1.JPEG", "val/v2.JPEG" })
            Picture($"imagenet/{file}");
        Assert.Equal([("train/n01/b.JPEG", "n01"), ("train/n02/a.JPEG", "n02")], Open("imagenet:train"));
        Assert.Contains("LOC_val_solution.csv", Refusal("imagenet:val"));
        Text("imagenet/LOC_val_solution.csv", "ImageId,PredictionString\nv2,n02 1 2 3 4 n02 5 6 7 8 \nv1,n01 1 2 3 4 \n");
        Assert.Equal([("val/v2.JPEG", "n02"), ("val/v1.JPEG", "n01")], Open("imagenet:val"));
    }
}
