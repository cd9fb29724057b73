using Schane.Checkpoints;
using Schane.Data.Feeding;
using static TorchSharp.torch;

namespace Schane.Data.Sets;

/// <summary>
/// Data sets that are published as Python pickles of NumPy arrays, read without Python by the restricted machine that reads weights: a
/// closed list of names, nothing is ever called. The whole file is held in memory, twice while it is read.
/// </summary>
internal static class PickledSets
{
    /// <summary>CIFAR-10 and -100 as their "python version": rows of 3072 bytes in planes.</summary>
    public static IImageDataset Cifar(string name, string folder, IReadOnlyList<string> files, string labelKey,
        string namesFile, string namesKey)
    {
        List<byte> bytes = [];
        List<int> labels = [];
        foreach (var file in files.Select(f => Path.Combine(folder, f)))
        {
            var batch = Load(file);
            bytes.AddRange(Bytes(batch, "data", file, 3072));
            labels.AddRange(Whole(batch, labelKey, file));
        }
        var names = Path.Combine(folder, namesFile);
        return new PackedImages(name, Texts(Load(names), namesKey, names), [.. labels], [.. bytes], (32, 32), 3072, 0, planar: true);
    }

    /// <summary>CIFAR-FS and FC100 as MetaOptNet publishes them: <c>data</c> [N, 32, 32, 3] and <c>labels</c>,
    /// which are numbered anew.</summary>
    public static IImageDataset Episodes(string name, string path)
    {
        var file = Load(path);
        int[] original = [.. Whole(file, "labels", path)];
        List<int> classes = [.. original.Distinct().Order()];
        return new PackedImages(name, [.. classes.Select(c => $"{c}")], [.. original.Select(c => classes.IndexOf(c))],
            Bytes(file, "data", path, 32 * 32 * 3), (32, 32), 32 * 32 * 3, 0, planar: false);
    }

    /// <summary>miniImageNet as its common cache: <c>image_data</c> [N, 84, 84, 3] and <c>class_dict</c> of wnid → indices.</summary>
    public static IImageDataset MiniImageNet(string name, string path)
    {
        var file = Load(path);
        var bytes = Bytes(file, "image_data", path, 84 * 84 * 3);
        if (file.Entries.GetValueOrDefault("class_dict") is not PickleDictionary byClass)
            throw new SchaneException($"'{Printable.Escape(path)}' has no class_dict.");
        List<string> classes = [.. byClass.Entries.Keys.Order(StringComparer.Ordinal)];
        var labels = new int[bytes.Length / (84 * 84 * 3)];
        Array.Fill(labels, -1);
        for (var label = 0; label < classes.Count; label++)
            foreach (var index in Whole(byClass, classes[label], path))
                labels[index >= 0 && index < labels.Length
                    ? index : throw new SchaneException($"'{Printable.Escape(path)}' names image {index} of {labels.Length}.")] = label;
        return new PackedImages(name, classes, labels, bytes, (84, 84), 84 * 84 * 3, 0, planar: false);
    }

    /// <summary>Labels of tieredImageNet: <c>label_specific</c>, numbered anew, and the names of the classes where
    /// <c>label_specific_str</c> has them.</summary>
    public static (IReadOnlyList<string> Classes, int[] Labels) Labels(string path)
    {
        var file = Load(path);
        int[] original = [.. Whole(file, "label_specific", path)];
        List<int> numbers = [.. original.Distinct().Order()];
        var names = file.Entries.GetValueOrDefault("label_specific_str") is PickleList list && list.Items.TrueForAll(i => i is string)
            ? list.Items.Cast<string>().ToList() : [];
        var anew = numbers.Select((n, i) => (n, i)).ToDictionary(n => n.n, n => n.i);
        return ([.. numbers.Select(n => n >= 0 && n < names.Count ? names[n] : $"{n}")], [.. original.Select(n => anew[n])]);
    }

    private static PickleDictionary Load(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)}", e);
        }
        return new PickleReader(bytes, Printable.Escape(path)).Read() as PickleDictionary
            ?? throw new SchaneException($"'{Printable.Escape(path)}' is a pickle, but not of a dictionary.");
    }

    private static byte[] Bytes(PickleDictionary file, string key, string path, int each) =>
        file.Entries.GetValueOrDefault(key) is PickleArray { Type.Type: ScalarType.Byte, ColumnMajor: false } array
            && array.Data.Length % each == 0 ? array.Data
            : throw new SchaneException($"'{Printable.Escape(path)}' has no array '{key}' of bytes, {each} an image.");

    private static IEnumerable<int> Whole(PickleDictionary file, string key, string path) => file.Entries.GetValueOrDefault(key) switch
    {
        PickleList list => list.Items.Select(i => i is long number and >= int.MinValue and <= int.MaxValue ? (int)number
            : throw new SchaneException($"'{Printable.Escape(path)}' has something other than whole numbers in '{key}'.")),
        PickleArray { Type.Type: ScalarType.Int64 } array =>
            Enumerable.Range(0, array.Data.Length / 8).Select(i => (int)BitConverter.ToInt64(array.Data, 8 * i)),
        PickleArray { Type.Type: ScalarType.Int32 } array =>
            Enumerable.Range(0, array.Data.Length / 4).Select(i => BitConverter.ToInt32(array.Data, 4 * i)),
        _ => throw new SchaneException($"'{Printable.Escape(path)}' has no list '{key}' of whole numbers."),
    };

    private static List<string> Texts(PickleDictionary file, string key, string path) =>
        file.Entries.GetValueOrDefault(key) is PickleList list && list.Items.TrueForAll(i => i is string) ? [.. list.Items.Cast<string>()]
            : throw new SchaneException($"'{Printable.Escape(path)}' has no list '{key}' of texts.");
}
