using System.Numerics.Tensors;
using Schane.Data;
using Schane.Evaluation.Embeddings;
using Schane.Planning;
using Schane.Runs;

namespace Schane.Jobs;

/// <summary>One training image that is like another image.</summary>
/// <param name="Index">Its place, for <see cref="TrainingExamples.Thumbnail"/>.</param>
/// <param name="Image">Its name inside the data.</param>
/// <param name="Class">Its class.</param>
/// <param name="Similarity">Cosine of the embeddings, −1 to 1.</param>
public sealed record TrainingExample(int Index, string Image, string Class, double Similarity);

/// <summary>The images that a run was trained on, as the model sees them. Thread-safe.</summary>
internal sealed class TrainingExamples
{
    private readonly EmbeddedImages images;
    private readonly Thumbnails thumbnails;
    private readonly float[] unit;
    private readonly Lazy<(IImageDataset Data, Dictionary<string, int> Places)?> data;

    private TrainingExamples(EmbeddedImages images, Thumbnails thumbnails, Func<IImageDataset> open)
    {
        (this.images, this.thumbnails) = (images, thumbnails);
        var set = images.Embeddings;
        unit = [.. set.Values];
        for (var i = 0; i < set.Count; i++)
        {
            var row = unit.AsSpan(i * set.Width, set.Width);
            TensorPrimitives.Divide(row, Math.Max(TensorPrimitives.Norm<float>(row), 1e-12f), row);
        }
        data = new(() =>
        {
            try
            {
                var all = open();
                return (all, Enumerable.Range(0, all.Count).GroupBy(all.NameOf).ToDictionary(g => g.Key, g => g.First()));
            }
            // the run has moved away from its data: names are all there is to show
            catch (SchaneException)
            {
                return null;
            }
        });
    }

    /// <summary>The examples of a run; null where it has kept none.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="dataRoot">Where named data sets lie, for the images.</param>
    /// <exception cref="SchaneException">No run there.</exception>
    public static TrainingExamples? Open(string folder, string? dataRoot = null)
    {
        var run = RunFolder.Open(folder);
        // the embeddings know one class an image
        return File.Exists(run.Embeddings) && SavedRun.RecipeOf(run).MultiLabel != true
            && EmbeddedImages.Load(run.Embeddings).Part("train") is { } train
            ? new(train, new Thumbnails(run.Thumbnails),
                () => DataSetup.Open(SavedRun.RecipeOf(run), dataRoot, SavedRun.SplitsOf(run)).Train) : null;
    }

    /// <summary>The nearest images, nearest first.</summary>
    /// <param name="embedding">[D].</param>
    /// <param name="count">How many, at most as many as there are.</param>
    public IReadOnlyList<TrainingExample> Nearest(ReadOnlySpan<float> embedding, int count)
    {
        var set = images.Embeddings;
        if (embedding.Length != set.Width)
            throw new ArgumentException($"embedding must have {set.Width} numbers but has {embedding.Length}.", nameof(embedding));
        var norm = Math.Max(TensorPrimitives.Norm(embedding), 1e-12f);
        var similarity = new float[set.Count];
        for (var i = 0; i < set.Count; i++)
            similarity[i] = TensorPrimitives.Dot(unit.AsSpan(i * set.Width, set.Width), embedding) / norm;
        return [.. Enumerable.Range(0, set.Count).OrderByDescending(i => similarity[i]).Take(count)
            .Select(i => new TrainingExample(i, images.Images[i], set.Classes[set.Labels[i]], similarity[i]))];
    }

    /// <summary>A small WebP of one image, at most 96 pixels a side: the one that the run keeps, else made from its data; null where these
    /// are not on this machine any more.</summary>
    /// <param name="index">From <see cref="TrainingExample.Index"/>.</param>
    public byte[]? Thumbnail(int index)
    {
        if (index < 0 || index >= images.Images.Count)
            return null;
        return thumbnails.Find("train", images.Images[index])
            ?? (data.Value is { } found && found.Places.TryGetValue(images.Images[index], out var place)
                ? Thumbnails.Of(found.Data.Read(place)) : null);
    }
}
