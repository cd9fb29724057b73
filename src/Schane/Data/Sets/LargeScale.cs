using System.Text.Json;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>The large data sets, read from the official layouts.</summary>
internal static class LargeScale
{
    /// <summary>iNaturalist 2017 (Van Horn et al. 2018, github.com/visipedia/inat_comp): the JSON decides, for files of
    /// both parts lie together.</summary>
    public static IImageDataset INaturalist(string part, string? dataRoot)
    {
        var list = DataRoot.Find(dataRoot, "iNaturalist 2017", "Download train_val_images.tar.gz and train_val2017.zip from " +
            "github.com/visipedia/inat_comp/tree/master/2017 into one folder and unpack them",
            $"inat2017/{part}2017.json", $"inaturalist-2017/{part}2017.json", $"{part}2017.json");
        try
        {
            using var file = File.OpenRead(list);
            var json = JsonSerializer.Deserialize<INatList>(file, JsonSerializerOptions.Web) ?? throw new JsonException("It is empty.");
            var categories = json.Categories.OrderBy(c => c.Id).ToList();
            var labels = categories.Select((c, i) => (c.Id, i)).ToDictionary(c => c.Id, c => c.i);
            var byImage = json.Annotations.DistinctBy(a => a.Image_id).ToDictionary(a => a.Image_id, a => labels[a.Category_id]);
            return new ListedImages($"inat2017:{part}", Path.GetDirectoryName(list)!, [.. categories.Select(c => c.Name)],
                [.. json.Images.DistinctBy(i => i.Id).Select(i => (i.File_name, byImage[i.Id]))]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or ArgumentException or IOException)
        {
            throw new SchaneException($"'{Printable.Escape(list)}' can't be read: {Printable.Escape(e.Message)}", e);
        }
    }

    /// <summary>Places365-Standard (Zhou et al. 2017, places2.csail.mit.edu): training paths begin with a slash that is no root.</summary>
    public static IImageDataset Places(string part, string? dataRoot)
    {
        var categories = DataRoot.Find(dataRoot, "Places365",
            "Download the 256 × 256 images and filelist_places365-standard.tar from places2.csail.mit.edu into one folder and unpack them",
            "places365/categories_places365.txt", "places365_standard/categories_places365.txt", "categories_places365.txt");
        var folder = Path.GetDirectoryName(categories)!;
        var names = TextTable.Words(categories, 2).Select(w => (Name: w[0].TrimStart('/'), Label: TextTable.Number(w[1], categories)))
            .OrderBy(n => n.Label).Select(n => n.Name);
        var list = Path.Combine(folder, part == "train" ? "places365_train_standard.txt" : "places365_val.txt");
        var below = part == "train" ? "data_256" : "val_256";
        return new ListedImages($"places365:{part}", folder, [.. names],
            [.. TextTable.Words(list, 2).Select(w => ($"{below}/{w[0].TrimStart('/')}", TextTable.Number(w[1], list)))]);
    }

    /// <summary>
    /// ImageNet-1k (Russakovsky et al. 2015, image-net.org): <c>train/WNID/</c>, and <c>val/WNID/</c> or a flat <c>val/</c> beside Kaggle's
    /// LOC_val_solution.csv. Classes are wnids in order of their names, as torchvision and timm number them.
    /// </summary>
    public static IImageDataset ImageNet(string part, string? dataRoot)
    {
        const string howToGet =
            "Ask for access at image-net.org, unpack the training archives to train/WNID and the validation images to val/WNID";
        var root = DataRoot.Find(dataRoot, "ImageNet-1k", howToGet, "imagenet", "ILSVRC2012", "imagenet-1k");
        List<string> classes = Directory.Exists(Path.Combine(root, "train")) ? [.. Directory.GetDirectories(Path.Combine(root, "train"))
            .Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)] : [];
        var folder = Path.Combine(root, part);
        if (classes.Count == 0 || !Directory.Exists(folder))
            throw new SchaneException($"'{Printable.Escape(root)}' holds no train/WNID folders or no {part}/. {howToGet}.");
        IEnumerable<(string, int)> listed = classes.SelectMany((wnid, label) => Directory.Exists(Path.Combine(folder, wnid))
            ? Directory.GetFiles(Path.Combine(folder, wnid)).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)
                .Select(f => ($"{part}/{wnid}/{f}", label)) : []);
        var solution = Path.Combine(root, "LOC_val_solution.csv");
        if (part == "val" && !Directory.EnumerateDirectories(folder).Any())
            listed = File.Exists(solution)
                ? TextTable.Csv(solution).Skip(1).Select(r => ($"val/{r.Fields[0]}.JPEG", classes.IndexOf(r.Fields[1].Split(' ')[0])))
                : throw new SchaneException($"'{Printable.Escape(folder)}' holds the images of all classes together and there is no " +
                    "LOC_val_solution.csv to tell them apart. Sort them into val/WNID folders.");
        return new ListedImages($"imagenet:{part}", root, classes, [.. listed]);
    }

    private sealed record INatImage(long Id, string File_name);

    private sealed record INatAnnotation(long Image_id, long Category_id);

    private sealed record INatCategory(long Id, string Name);

    private sealed record INatList(List<INatImage> Images, List<INatAnnotation> Annotations, List<INatCategory> Categories);
}
