using System.Globalization;
using Schane.Checkpoints;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Runs;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Schane.Inference;

// n images, D embedding width.

/// <summary>
/// Images that a model knows, and how far from them another may lie before it is unknown: the cosine distance to the nearest embedding (Sun
/// et al. 2022, arXiv:2204.06507, with k = 1), which 95 % of the held-out images don't exceed.
/// </summary>
/// <param name="values">n × D, rows of unit length.</param>
/// <param name="width">D.</param>
/// <param name="labels">The class of each.</param>
/// <param name="threshold">The distance that held-out images keep.</param>
internal sealed class KnownImages(float[] values, int width, int[] labels, double threshold)
{
    /// <summary>Share of the held-out images that are known.</summary>
    private const double Accepted = 0.95;

    /// <summary>Training images kept at most, evenly of the classes.</summary>
    private const int Most = 4000;

    /// <summary>The greatest distance of what is known.</summary>
    public double Threshold => threshold;

    /// <summary>Keeps some of the training images, and measures how far held-out ones lie from those that were kept of theirs.</summary>
    public static KnownImages Of(EmbeddingSet train, params IReadOnlyList<HeldOutEmbeddings> held)
    {
        double[] distances = [.. Distances(held).Order()];
        // the least that the accepted share of the next image, too, keeps (split conformal prediction, Vovk et al. 2005)
        var rank = Math.Min(distances.Length, (int)Math.Ceiling(Accepted * (distances.Length + 1)));
        return Kept(train, distances[rank - 1]);
    }

    /// <summary>How far held-out images lie from the training images of the model that has not seen them, in their order.</summary>
    public static IEnumerable<double> Distances(IEnumerable<HeldOutEmbeddings> held) => held.SelectMany(pair =>
    {
        var known = Kept(pair.Train, double.NaN);
        return Enumerable.Range(0, pair.Held.Count).AsParallel().AsOrdered().Select(i => known.Distance(pair.Held.Row(i)));
    });

    private static KnownImages Kept(EmbeddingSet train, double threshold)
    {
        var kept = train.Rows(EvenShare.Balanced(train.Labels, Most));
        return new(UnitRows.Of([.. kept.Values], kept.Width), kept.Width, kept.Labels, threshold);
    }

    /// <summary>Cosine distance to the nearest, 0 to 2.</summary>
    /// <param name="embedding">[D].</param>
    /// <param name="without">A class whose images don't count; null: all do.</param>
    public double Distance(ReadOnlySpan<float> embedding, int? without = null)
    {
        var (length, nearest) = (Math.Max(TensorPrimitives.Norm(embedding), 1e-12f), -1.0);
        for (var row = 0; row < labels.Length; row++)
            if (labels[row] != without)
                nearest = Math.Max(nearest, (double)TensorPrimitives.Dot(values.AsSpan(row * width, width), embedding) / length);
        return Math.Max(0, 1 - nearest);
    }

    /// <summary>Those of a run; null where it keeps none: it was trained without validation images, or not to the end.</summary>
    /// <exception cref="SchaneException">The file is damaged.</exception>
    public static KnownImages? Load(RunFolder run)
    {
        if (!File.Exists(run.Known))
            return null;
        using var file = Safetensors.Open(run.Known);
        try
        {
            return new(file.Numbers<float>("embeddings"), (int)file.ShapeOf("embeddings")[1],
                [.. file.Numbers<long>("labels").Select(label => (int)label)],
                double.Parse(file.Metadata["threshold"], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is FormatException or KeyNotFoundException)
        {
            throw new SchaneException($"'{run.Known}' is damaged: {e.Message.TrimEnd('.')}. Copy it again from where it is whole, or " +
                "delete it, and no image is called unknown.", e);
        }
    }

    public void Save(RunFolder run)
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(run.Known,
            new Dictionary<string, Tensor>
            {
                ["embeddings"] = tensor(values, [labels.Length, width]), ["labels"] = tensor(labels.Select(label => (long)label).ToArray()),
            },
            new Dictionary<string, string> { ["threshold"] = threshold.ToString("R", CultureInfo.InvariantCulture) });
    }
}
