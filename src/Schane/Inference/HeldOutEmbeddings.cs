using Schane.Evaluation.Embeddings;

namespace Schane.Inference;

/// <summary>Embeddings by one model: of images that it was trained on, and of others of the same classes.</summary>
/// <param name="Train">Of its training images.</param>
/// <param name="Held">Of images that it has not seen.</param>
internal sealed record HeldOutEmbeddings(EmbeddingSet Train, EmbeddingSet Held);
