using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n rows (images), D embedding width.

/// <summary>Embeddings and labels of a data set, in managed memory: what every metric and protocol starts from.</summary>
internal sealed class EmbeddingSet
{
    /// <param name="values">n × D numbers, row by row; kept, not copied.</param>
    /// <param name="width">D.</param>
    /// <param name="labels">n labels, each an index into <paramref name="classes"/>; kept, not copied.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <exception cref="ArgumentException">The lengths don't fit together or a label is out of range.</exception>
    /// <exception cref="SchaneException">There is no row, or one holds a number that is not finite.</exception>
    public EmbeddingSet(float[] values, int width, int[] labels, IReadOnlyList<string> classes)
    {
        if (width < 1 || values.Length != (long)labels.Length * width)
            throw new ArgumentException($"values must hold {labels.Length} rows of {width} but has {values.Length} numbers.",
                nameof(values));
        if (Array.FindIndex(labels, l => l < 0 || l >= classes.Count) is var odd and >= 0)
            throw new ArgumentException($"labels must lie between 0 and {classes.Count - 1} but labels[{odd}] is {labels[odd]}.",
                nameof(labels));
        if (labels.Length == 0)
            throw new SchaneException("There are no embeddings to evaluate; the data set is empty.");
        if (Array.FindIndex(values, v => !float.IsFinite(v)) is var bad and >= 0)
            throw new SchaneException(
                $"The embedding of image {bad / width} (class '{Printable.Escape(classes[labels[bad / width]])}') holds {values[bad]}; " +
                "every number must be finite. The model has diverged: use an earlier checkpoint or a lower learning rate.");
        (Values, Width, Labels, Classes) = (values, width, labels, classes);
    }

    /// <summary>Copies tensors from wherever they are.</summary>
    /// <param name="embeddings">[n, D], floating point.</param>
    /// <param name="labels">[n], int64.</param>
    /// <param name="classes">Names; null numbers them.</param>
    /// <exception cref="ArgumentException">A shape differs from the above.</exception>
    /// <exception cref="SchaneException">As the constructor.</exception>
    public static EmbeddingSet Of(Tensor embeddings, Tensor labels, IReadOnlyList<string>? classes = null)
    {
        Tensors.Require.Shape(embeddings, [-1, -1]);
        Tensors.Require.Shape(labels, [embeddings.shape[0]]);
        int[] y = [.. Tensors.Copy.Longs(labels).Select(l => checked((int)l))];
        return new(Tensors.Copy.Floats(embeddings), checked((int)embeddings.shape[1]), y,
            classes ?? [.. Enumerable.Range(0, y.DefaultIfEmpty(-1).Max() + 1).Select(c => $"{c}")]);
    }

    /// <summary>n × D numbers, row by row.</summary>
    public float[] Values { get; }

    /// <summary>D.</summary>
    public int Width { get; }

    /// <summary>Label of each row.</summary>
    public int[] Labels { get; }

    /// <summary>Names of the classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>n.</summary>
    public int Count => Labels.Length;

    /// <summary>One embedding.</summary>
    public ReadOnlySpan<float> Row(int index) => Values.AsSpan(index * Width, Width);

    /// <summary>Some of the rows, in the order asked for; classes keep their labels.</summary>
    /// <param name="indices">Rows, 0 to n − 1.</param>
    public EmbeddingSet Rows(IReadOnlyList<int> indices)
    {
        var values = new float[(long)indices.Count * Width];
        for (var i = 0; i < indices.Count; i++)
            Row(indices[i]).CopyTo(values.AsSpan(i * Width));
        return new(values, Width, [.. indices.Select(i => Labels[i])], Classes);
    }

    /// <summary>The rows as a new tensor [n, D] on the CPU.</summary>
    /// <param name="dtype">float64 unless said otherwise.</param>
    public Tensor ToTensor(ScalarType dtype = ScalarType.Float64) => tensor(Values, [Count, Width]).to_type(dtype);

    /// <summary>Mean of several embeddings of the same images, each row first scaled to unit length: what augmented
    /// views are averaged by.</summary>
    /// <exception cref="ArgumentException">None given, or they differ in rows, width or labels.</exception>
    public static EmbeddingSet Average(params IReadOnlyList<EmbeddingSet> views)
    {
        if (views.Count == 0)
            throw new ArgumentException("views must hold at least one set.", nameof(views));
        var first = views[0];
        var mean = new double[first.Values.Length];
        foreach (var view in views)
        {
            if (view.Width != first.Width || !view.Labels.AsSpan().SequenceEqual(first.Labels))
                throw new ArgumentException($"views must be of the same images: one has {view.Count} rows of {view.Width}, another " +
                    $"{first.Count} of {first.Width} or other labels.", nameof(views));
            for (var i = 0; i < view.Count; i++)
            {
                var row = view.Row(i);
                var norm = 0.0;
                foreach (var v in row)
                    norm += (double)v * v;
                norm = Math.Max(Math.Sqrt(norm), 1e-12) * views.Count;
                for (var d = 0; d < row.Length; d++)
                    mean[i * first.Width + d] += row[d] / norm;
            }
        }
        return new([.. mean.Select(m => (float)m)], first.Width, first.Labels, first.Classes);
    }
}
