using System.Numerics.Tensors;

namespace Schane.Inference;

/// <summary>One unit vector a class: the mean of the unit embeddings of its images.</summary>
/// <param name="Values">classes × D.</param>
/// <param name="Width">D.</param>
internal sealed record Prototypes(float[] Values, int Width)
{
    public int Count => Values.Length / Width;

    public ReadOnlySpan<float> this[int index] => Values.AsSpan(index * Width, Width);

    /// <summary>The prototype of each label 0 … classes − 1; a class without an image has a zero vector, which nothing is near
    /// to.</summary>
    public static Prototypes Of(ReadOnlySpan<float> embeddings, int width, ReadOnlySpan<int> labels, int classes)
    {
        var values = new float[classes * width];
        for (var i = 0; i < labels.Length; i++)
        {
            var to = values.AsSpan(labels[i] * width, width);
            TensorPrimitives.Add(to, Unit(embeddings.Slice(i * width, width)), to);
        }
        for (var c = 0; c < classes; c++)
            Unit(values.AsSpan(c * width, width)).CopyTo(values, c * width);
        return new(values, width);
    }

    public Prototypes With(Prototypes more) => new([.. Values, .. more.Values], Width);

    /// <summary>Cosine of an embedding to each.</summary>
    public float[] Cosines(ReadOnlySpan<float> embedding)
    {
        var unit = Unit(embedding);
        var cosines = new float[Count];
        for (var c = 0; c < cosines.Length; c++)
            cosines[c] = TensorPrimitives.Dot(this[c], unit);
        return cosines;
    }

    private static float[] Unit(ReadOnlySpan<float> vector)
    {
        var unit = new float[vector.Length];
        TensorPrimitives.Divide(vector, Math.Max(TensorPrimitives.Norm(vector), 1e-12f), unit);
        return unit;
    }
}
