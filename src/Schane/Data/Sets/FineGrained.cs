using System.Text.RegularExpressions;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>Data sets of near kinds, read from the official layouts.</summary>
internal static partial class FineGrained
{
    /// <summary>CUB-200-2011 (Wah et al. 2011, vision.caltech.edu/datasets/cub_200_2011): ids and classes count from 1, 1 in the
    /// split means training.</summary>
    public static IImageDataset Cub(string part, string? dataRoot)
    {
        var folder = DataRoot.Find(dataRoot, "CUB-200-2011",
            "Download CUB_200_2011.tgz from vision.caltech.edu/datasets/cub_200_2011 and unpack it", "CUB_200_2011", "cub/CUB_200_2011");
        Dictionary<string, string> Table(string file)
        {
            var table = new Dictionary<string, string>();
            foreach (var words in TextTable.Words(Path.Combine(folder, file), 2))
                if (!table.TryAdd(words[0], words[1]))
                    throw new SchaneException(
                        $"'{Printable.Escape(Path.Combine(folder, file))}' has the id {Printable.Escape(words[0])} twice.");
            return table;
        }
        var (images, labels, split, names) = (Table("images.txt"), Table("image_class_labels.txt"),
            Table("train_test_split.txt"), Table("classes.txt"));
        var listed = images.Where(i => split.GetValueOrDefault(i.Key) == (part == "train" ? "1" : "0"))
            .Select(i => ($"images/{i.Value}",
                TextTable.Number(labels.GetValueOrDefault(i.Key, "missing"), Path.Combine(folder, "image_class_labels.txt")) - 1));
        return new ListedImages($"cub:{part}", folder,
            [.. names.OrderBy(n => TextTable.Number(n.Key, "classes.txt")).Select(n => n.Value)], [.. listed]);
    }

    /// <summary>Caltech-256 (Griffin et al. 2007, data.caltech.edu/records/nyy15-4j048): no official division; clutter and
    /// stray files are left out.</summary>
    public static IImageDataset Caltech(string part, string? dataRoot)
    {
        var folder = DataRoot.Find(dataRoot, "Caltech-256", "Download 256_ObjectCategories.tar from data.caltech.edu/records/nyy15-4j048 " +
            "and unpack it", "256_ObjectCategories", "caltech256/256_ObjectCategories");
        List<string> classes = [.. Directory.GetDirectories(folder).Select(d => Path.GetFileName(d)!)
            .Where(d => CaltechClass().IsMatch(d) && !d.StartsWith("257", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        var listed = classes.SelectMany((name, label) =>
            Directory.GetFiles(Path.Combine(folder, name)).Select(f => Path.GetFileName(f)!).Where(f => CaltechFile().IsMatch(f))
            .Order(StringComparer.Ordinal).Select(f => ($"{name}/{f}", label)));
        return new ListedImages($"caltech256:{part}", folder, classes, [.. listed]);
    }

    /// <summary>Oxford 102 Flowers (Nilsback and Zisserman 2008, robots.ox.ac.uk/~vgg/data/flowers/102): image numbers and
    /// labels count from 1.</summary>
    public static IImageDataset Flowers(string part, string? dataRoot)
    {
        var labels = DataRoot.Find(dataRoot, "Flowers-102",
            "Download 102flowers.tgz, imagelabels.mat and setid.mat from www.robots.ox.ac.uk/~vgg/data/flowers/102 into one folder",
            "flowers-102/imagelabels.mat", "flowers102/imagelabels.mat", "imagelabels.mat");
        var folder = Path.GetDirectoryName(labels)!;
        var numbers = MatFile.Read(labels, "labels");
        var ids = MatFile.Read(Path.Combine(folder, "setid.mat"), part switch { "val" => "valid", "test" => "tstid", _ => "trnid" });
        var classes = Enumerable.Range(1, (int)numbers.Max()).Select(c => $"{c:d3}");
        return new ListedImages($"flowers102:{part}", folder, [.. classes],
            [.. ids.Select(id => ($"jpg/image_{(int)id:d5}.jpg", id >= 1 && id <= numbers.Length ? (int)numbers[(int)id - 1] - 1
            : throw new SchaneException(
                $"setid.mat names image {id}; imagelabels.mat has {numbers.Length}. The two don't belong together.")))]);
    }

    /// <summary>Oxford-IIIT Pets (Parkhi et al. 2012, robots.ox.ac.uk/~vgg/data/pets): the breed is the name less its number; some
    /// .jpg are PNG or GIF.</summary>
    public static IImageDataset Pets(string part, string? dataRoot)
    {
        var folder = DataRoot.Find(dataRoot, "Oxford-IIIT Pets",
            "Download images.tar.gz and annotations.tar.gz from www.robots.ox.ac.uk/~vgg/data/pets into one folder and unpack them",
            "oxford-iiit-pet", "pets");
        var rows = TextTable.Words(Path.Combine(folder, "annotations", part == "train" ? "trainval.txt" : "test.txt"), 4)
            .Select(w => (Image: w[0], Label: TextTable.Number(w[1], "annotations") - 1)).ToList();
        var names = TextTable.Words(Path.Combine(folder, "annotations", "trainval.txt"), 4)
            .Select(w => (Breed: w[0][..w[0].LastIndexOf('_')], Label: TextTable.Number(w[1], "annotations") - 1))
            .DistinctBy(b => b.Label).OrderBy(b => b.Label).Select(b => b.Breed);
        return new ListedImages($"pets:{part}", folder, [.. names], [.. rows.Select(r => ($"images/{r.Image}.jpg", r.Label))]);
    }

    [GeneratedRegex(@"^\d{3}\.")]
    private static partial Regex CaltechClass();

    [GeneratedRegex(@"^\d{3}_\d{4}\.jpg$")]
    private static partial Regex CaltechFile();
}
