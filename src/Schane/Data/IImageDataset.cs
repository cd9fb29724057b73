using Schane.Data.Listing;
using Schane.Data.Reading;

namespace Schane.Data;

/// <summary>Labelled images, addressed by index. Reading is thread-safe and never writes anything.</summary>
public interface IImageDataset
{
    /// <summary>Name for people and journals, for instance <c>omniglot:small1</c>.</summary>
    string Name { get; }

    /// <summary>Class names; a label is an index into this list.</summary>
    IReadOnlyList<string> Classes { get; }

    /// <summary>How many images there are.</summary>
    int Count { get; }

    /// <summary>Label of image <paramref name="index"/>, 0 ≤ label &lt; Classes.Count.</summary>
    int LabelOf(int index);

    /// <summary>Whether images may show several classes each, so that each class is a yes or no of its own. Default: no.</summary>
    bool IsMultiLabel => false;

    /// <summary>All labels of image <paramref name="index"/>, at least one, each once, in ascending order. Default: <see cref="LabelOf"/>
    /// alone. Of several, <see cref="LabelOf"/> is the one by which images are divided into parts, best the rarest.</summary>
    IReadOnlyList<int> LabelsOf(int index) => [LabelOf(index)];

    /// <summary>Name of image <paramref name="index"/> inside the data set (a relative path, or what stands for one).</summary>
    string NameOf(int index);

    /// <summary>Decodes image <paramref name="index"/>.</summary>
    /// <exception cref="SchaneException">The image can't be read; the message names the file.</exception>
    Image8 Read(int index);
}

/// <summary>A data set whose images are files: they can be read undecoded, so that no more than is needed has to be decoded.</summary>
internal interface IImageFiles : IImageDataset
{
    /// <summary>What files are refused.</summary>
    ImageLimits Limits { get; }

    /// <summary>The bytes of image <paramref name="index"/> and its name in messages; null where it is not a file.</summary>
    (byte[] Bytes, string Name)? ReadFile(int index);
}

/// <summary>A data set that can say what of the input it does not use.</summary>
internal interface IAccounted : IImageDataset
{
    /// <summary>What of the input is not used, and why.</summary>
    InputAccount Account { get; }

    /// <summary>The account of any images; empty where they have none.</summary>
    static InputAccount Of(IImageDataset images) => (images as IAccounted)?.Account ?? new();
}

/// <summary>A data set that may come divided into <c>train</c>, <c>val</c> and <c>test</c>.</summary>
internal interface IDividedImages : IAccounted
{
    /// <summary>The parts that there are; empty where it isn't divided.</summary>
    IReadOnlyList<string> Parts { get; }

    /// <summary>Sentences about what was let pass.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>Part of image <paramref name="index"/>, null where there are none.</summary>
    string? PartOf(int index);
}

/// <summary>A decoded image: 8-bit samples, height × width × channels, rows from the top. Channels is 1 (gray) or 3 (RGB).</summary>
public sealed record Image8(int Width, int Height, int Channels, byte[] Pixels);
