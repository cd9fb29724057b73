namespace Schane.Evaluation.Selection;

/// <summary>What a model says of images without a label, in managed memory.</summary>
/// <param name="Embeddings">n × D numbers, row by row, as the model gives them (not normalised).</param>
/// <param name="Width">D.</param>
/// <param name="Probabilities">n × C, row by row; each row sums to 1.</param>
/// <param name="Classes">C.</param>
internal sealed record UnlabelledImages(float[] Embeddings, int Width, float[] Probabilities, int Classes)
{
    /// <summary>n.</summary>
    public int Count => Embeddings.Length / Width;

    /// <summary>[D] of one image.</summary>
    public ReadOnlySpan<float> Embedding(int image) => Embeddings.AsSpan(image * Width, Width);

    /// <summary>[C] of one image.</summary>
    public ReadOnlySpan<float> Probability(int image) => Probabilities.AsSpan(image * Classes, Classes);
}
