using Schane.Checkpoints;
using Schane.Data.Reading;

namespace Schane.Data.Sets;

/// <summary>
/// tieredImageNet (Ren et al. 2018, arXiv:1803.00676, github.com/renmengye/few-shot-ssl-public): <c>PART_images_png.pkl</c> (a list of PNG
/// files) or <c>PART_images.npz</c> (array <c>images</c> [N, 84, 84, 3]), each with <c>PART_labels.pkl</c> (<c>label_specific</c>, names in
/// <c>label_specific_str</c>). Images are read where they lie: the training part has 450,000.
/// </summary>
internal static class TieredImageNet
{
    private const int Side = 84;
    private const string HowToGet = "Download tiered-imagenet.tar as github.com/renmengye/few-shot-ssl-public says and unpack it";

    public static IImageDataset Open(string part, string? dataRoot)
    {
        var labelFile = DataRoot.Find(dataRoot, "tieredImageNet", HowToGet, $"tiered-imagenet/{part}_labels.pkl",
            $"tiered_imagenet/{part}_labels.pkl", $"{part}_labels.pkl");
        var folder = Path.GetDirectoryName(labelFile)!;
        var (classes, labels) = PickledSets.Labels(labelFile);
        var name = $"tiered-imagenet:{part}";
        if (Path.Combine(folder, $"{part}_images_png.pkl") is var pickle && File.Exists(pickle))
            return new StoredImages(name, classes, labels, File.OpenHandle(pickle), pickle, PickledBytes.Find(pickle));
        if (Path.Combine(folder, $"{part}_images.npz") is var archive && File.Exists(archive))
        {
            using var source = new ByteSource(archive);
            var (offset, length) = ZipDirectory.Read(source).GetValueOrDefault("images.npy");
            using var arrays = new NumpyFile(new ByteSource(archive), new() { ["images.npy"] = (offset, length) });
            long each = Side * Side * 3;
            if (arrays.ShapeOf("images") is not [var count, Side, Side, 3] || arrays.TypeOf("images") != TorchSharp.torch.ScalarType.Byte)
                throw new SchaneException($"'{Printable.Escape(archive)}' should hold images [N, {Side}, {Side}, 3] of bytes but holds " +
                    $"[{string.Join(", ", arrays.ShapeOf("images"))}]. {HowToGet}.");
            var first = offset + length - count * each;                   // the header is in front of the samples
            return new StoredImages(name, classes, labels, File.OpenHandle(archive), archive,
                [.. Enumerable.Range(0, (int)count).Select(i => new StoredSpan(first + i * each, (int)each))], (Side, Side));
        }
        throw new SchaneException(
            $"'{Printable.Escape(folder)}' has {part}_labels.pkl but neither {part}_images_png.pkl nor {part}_images.npz. {HowToGet}.");
    }
}
