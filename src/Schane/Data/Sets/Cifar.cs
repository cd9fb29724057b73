using Schane.Data.Feeding;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>
/// CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary form or as Python pickles, cs.toronto.edu/~kriz/cifar.html: the binary
/// form is records of one or two label bytes and 3072 bytes of planes. FC100 (Oreshkin et al. 2018, arXiv:1805.10123) divides
/// CIFAR-100 by its superclasses.
/// </summary>
internal static class Cifar
{
    private const string HowToGet = "Download cifar-10-binary.tar.gz or cifar-100-binary.tar.gz (or the python version) from " +
        "www.cs.toronto.edu/~kriz/cifar.html and unpack it";
    private const int Pixels = 3072;

    public static IImageDataset Ten(string part, string? dataRoot)
    {
        var folder = DataRoot.Find(dataRoot, "CIFAR-10", HowToGet, "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin",
            "cifar-10-batches-py", "cifar10/cifar-10-batches-py");
        if (folder.EndsWith("-py", StringComparison.Ordinal))
            return PickledSets.Cifar($"cifar10:{part}", folder, part == "test"
                ? ["test_batch"] : [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}")], "labels", "batches.meta", "label_names");
        string[] files = part == "test" ? ["test_batch.bin"] : [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")];
        byte[] bytes = [.. files.SelectMany(f => Bytes(Path.Combine(folder, f), Pixels + 1))];
        return Packed($"cifar10:{part}", Names(folder, "batches.meta.txt"), bytes, labelBytes: 1, labelAt: 0);
    }

    public static IImageDataset Hundred(string part, string? dataRoot)
    {
        var folder = DataRoot.Find(dataRoot, "CIFAR-100", HowToGet, "cifar-100-binary", "cifar100/cifar-100-binary",
            "cifar-100-python", "cifar100/cifar-100-python");
        if (folder.EndsWith("-python", StringComparison.Ordinal))
            return PickledSets.Cifar($"cifar100:{part}", folder, [part], "fine_labels", "meta", "fine_label_names");
        return Packed($"cifar100:{part}", Names(folder, "fine_label_names.txt"),
            Bytes(Path.Combine(folder, $"{part}.bin"), Pixels + 2), labelBytes: 2, labelAt: 1);
    }

    /// <summary>FC100: both halves of CIFAR-100, divided by superclass; labels are numbered anew in each part.</summary>
    public static IImageDataset Fc100(string part, string? dataRoot)
    {
        if (DataRoot.TryFind(dataRoot, $"FC100/FC100_{part}.pickle", $"FC100_{part}.pickle") is { } pickle)
            return PickledSets.Episodes($"fc100:{part}", pickle);
        int[] superclasses = part switch
        { "val" => [8, 11, 13, 16], "test" => [0, 7, 12, 14], _ => [1, 2, 3, 4, 5, 6, 9, 10, 15, 17, 18, 19] };
        var folder = DataRoot.Find(dataRoot, "FC100", HowToGet, "cifar-100-binary", "cifar100/cifar-100-binary");
        byte[][] records = [.. new[] { "train.bin", "test.bin" }.SelectMany(f =>
            Bytes(Path.Combine(folder, f), Pixels + 2).Chunk(Pixels + 2)).Where(r => superclasses.Contains(r[0]))];
        List<byte> fine = [.. records.Select(r => r[1]).Distinct().Order()];
        var names = Names(folder, "fine_label_names.txt");
        return new PackedImages($"fc100:{part}", [.. fine.Select(f => names[f])], [.. records.Select(r => fine.IndexOf(r[1]))],
            [.. records.SelectMany(r => r)], (32, 32), Pixels + 2, 2, planar: true);
    }

    private static PackedImages Packed(string name, IReadOnlyList<string> classes, byte[] bytes, int labelBytes, int labelAt) =>
        new(name, classes,
            [.. Enumerable.Range(0, bytes.Length / (Pixels + labelBytes)).Select(i => (int)bytes[i * (Pixels + labelBytes) + labelAt])],
            bytes, (32, 32), Pixels + labelBytes, labelBytes, planar: true);

    private static List<string> Names(string folder, string file) =>
        [.. TextTable.Lines(Path.Combine(folder, file)).Where(l => l.Length > 0)];

    private static byte[] Bytes(string path, int record)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)} {HowToGet}.", e);
        }
        return bytes.Length > 0 && bytes.Length % record == 0 ? bytes
            : throw new SchaneException($"'{Printable.Escape(path)}' has {bytes.Length} bytes, no multiple of {record}; it is cut off or " +
                $"of another form. {HowToGet}.");
    }
}
