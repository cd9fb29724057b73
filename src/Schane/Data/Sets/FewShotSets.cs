using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>Data sets whose parts share no class, for episodes; labels are numbered anew in each part.</summary>
internal static class FewShotSets
{
    /// <summary>CIFAR-FS (Bertinetto et al. 2019, arXiv:1805.08136): <c>cifar100/data/CLASS/</c> and
    /// <c>cifar100/splits/bertinetto/PART.txt</c>, as its archive unpacks, or MetaOptNet's pickles.</summary>
    public static IImageDataset CifarFs(string part, string? dataRoot)
    {
        if (DataRoot.TryFind(dataRoot, $"CIFAR-FS/CIFAR_FS_{part}.pickle", $"CIFAR_FS_{part}.pickle") is { } pickle)
            return PickledSets.Episodes($"cifar-fs:{part}", pickle);
        var list = DataRoot.Find(dataRoot, "CIFAR-FS", "Download cifar100.zip from the repository bertinetto/r2d2 and unpack it",
            $"cifar100/splits/bertinetto/{part}.txt");
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(list)!, "..", "..", "data"));
        List<string> classes = [.. TextTable.Lines(list).Where(l => l.Length > 0)];
        var listed = classes.SelectMany((name, label) => Directory.Exists(Path.Combine(root, name))
            ? Directory.GetFiles(Path.Combine(root, name)).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)
                .Select(f => ($"{name}/{f}", label))
            : throw new SchaneException($"'{Printable.Escape(list)}' names the class '{Printable.Escape(name)}', but there is no such " +
                $"folder in '{Printable.Escape(root)}'."));
        return new ListedImages($"cifar-fs:{part}", root, classes, [.. listed]);
    }

    /// <summary>miniImageNet (Vinyals et al. 2016, division of Ravi and Larochelle 2017): <c>images/</c> and <c>train.csv</c>,
    /// <c>val.csv</c>, <c>test.csv</c> of file and wnid; or the common pickled cache.</summary>
    public static IImageDataset MiniImageNet(string part, string? dataRoot)
    {
        if (DataRoot.TryFind(dataRoot, $"mini-imagenet/mini-imagenet-cache-{part}.pkl", $"mini-imagenet-cache-{part}.pkl") is { } pickle)
            return PickledSets.MiniImageNet($"mini-imagenet:{part}", pickle);
        var list = DataRoot.Find(dataRoot, "miniImageNet",
            "Put the images into images/ and the lists of twitter-research/meta-learning-lstm beside it",
            $"mini-imagenet/{part}.csv", $"miniimagenet/{part}.csv");
        var root = Path.Combine(Path.GetDirectoryName(list)!, "images");
        var index = ImageIndex.Open(list, new() { PathColumn = "filename", Root = root });
        return new ListedImages($"mini-imagenet:{part}", root, index.Classes,
            [.. Enumerable.Range(0, index.Count).Select(i => (index.NameOf(i), index.LabelOf(i)))]);
    }
}
