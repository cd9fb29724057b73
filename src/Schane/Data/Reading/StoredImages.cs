using Microsoft.Win32.SafeHandles;
using Schane.Data.Listing;

namespace Schane.Data.Reading;

/// <summary>Images inside one large file, each from an offset on: image files, or plain RGB samples of one size. Only what
/// is read is in memory.</summary>
internal sealed class StoredImages : IImageFiles, IDividedImages
{
    private readonly SafeFileHandle file;
    private readonly string shown;
    private readonly int[] labels;
    private readonly IReadOnlyList<StoredSpan> spans;
    private readonly (int Width, int Height)? raw;
    private readonly string prefix;

    /// <param name="name">Name of the data set.</param>
    /// <param name="classes">Class names.</param>
    /// <param name="labels">Label of each image.</param>
    /// <param name="file">The file, open as long as this object is used.</param>
    /// <param name="shown">The file's name in messages.</param>
    /// <param name="spans">Where each image lies.</param>
    /// <param name="raw">Size of images that are plain RGB samples, pixel by pixel; null for image files.</param>
    /// <param name="limits">What image files are refused; null for the default.</param>
    public StoredImages(string name, IReadOnlyList<string> classes, int[] labels, SafeFileHandle file, string shown,
        IReadOnlyList<StoredSpan> spans, (int Width, int Height)? raw = null, ImageLimits? limits = null)
    {
        (Name, Classes, this.labels, this.file, this.shown, this.spans, this.raw) = (name, classes, labels, file, shown, spans, raw);
        Limits = limits ?? ImageLimits.Default;
        prefix = name.Replace(':', '/');
        if (labels.Length != spans.Count)
            throw new SchaneException($"{name} has {spans.Count} images but {labels.Length} labels; the files don't belong together.");
        if (Array.FindIndex(labels, l => l < 0 || l >= classes.Count) is var bad and >= 0)
            throw new SchaneException(
                $"{name}: image {bad} has label {labels[bad]}; there are {classes.Count} classes. The file is damaged.");
        Parts = [.. spans.Select(s => s.Part).OfType<string>().Distinct()];
    }

    /// <summary>The same with other limits.</summary>
    public StoredImages With(ImageLimits other) => new(Name, Classes, labels, file, shown, spans, raw, other)
    { Account = Account, Sets = Sets };

    public string Name { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<string> Parts { get; }

    public IReadOnlyList<string> Warnings => [];

    public InputAccount Account { get; init; } = new();

    public int Count => spans.Count;

    public ImageLimits Limits { get; }

    /// <summary>All labels of each image, where they may have several.</summary>
    public IReadOnlyList<int[]>? Sets { get; init; }

    public int LabelOf(int index) => labels[index];

    public bool IsMultiLabel => Sets is not null;

    public IReadOnlyList<int> LabelsOf(int index) => Sets?[index] ?? [labels[index]];

    public string NameOf(int index) => $"{(spans[index].Part is { } part ? $"{prefix}/{part}" : prefix)}/{index:d6}";

    public string? PartOf(int index) => spans[index].Part;

    public Image8 Read(int index) =>
        raw is var (width, height) ? new(width, height, 3, Bytes(index)) : ImageDecoder.Decode(Bytes(index), ShownAs(index), Limits);

    public (byte[] Bytes, string Name)? ReadFile(int index) => raw is null ? (Bytes(index), ShownAs(index)) : null;

    private string ShownAs(int index) => $"{shown}, image {index}";

    private byte[] Bytes(int index)
    {
        var span = spans[index];
        var bytes = new byte[span.Length];
        try
        {
            var read = 0;
            while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), span.Offset + read) is var n and > 0)
                read += n;
            if (read < bytes.Length)
                throw new SchaneException(
                    $"'{Printable.Escape(ShownAs(index))}' lies beyond the end of its file, which was cut off while it was open.");
        }
        catch (IOException e)
        {
            throw new SchaneException($"'{Printable.Escape(ShownAs(index))}' can't be read: {Printable.Escape(e.Message)}", e);
        }
        // Python 3 writes the bytes of protocol 2 as a text of their Latin-1 letters.
        return span.IsText ? System.Text.Encoding.Latin1.GetBytes(System.Text.Encoding.UTF8.GetString(bytes)) : bytes;
    }
}

/// <summary>Where an image lies in a file.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">How many there are.</param>
/// <param name="Part">Part of the data set it belongs to; null where it isn't divided.</param>
/// <param name="IsText">Whether the bytes were written as a text in UTF-8.</param>
internal readonly record struct StoredSpan(long Offset, int Length, string? Part = null, bool IsText = false);
