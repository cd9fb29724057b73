using Microsoft.Extensions.AI;

namespace Schane.Inference;

/// <summary>The embeddings of a classifier by the contract of Microsoft.Extensions.AI, which vector stores and pipelines take.</summary>
internal sealed class ImageEmbeddingGenerator(Classifier classifier) : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private readonly EmbeddingGeneratorMetadata about =
        new("schane", defaultModelId: classifier.Card.Architecture, defaultModelDimensions: classifier.EmbeddingWidth);

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<DataContent> values,
        EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } asked && asked != classifier.EmbeddingWidth)
            throw new SchaneException($"Dimensions must be {classifier.EmbeddingWidth}, the width of the model's embeddings, but is " +
                $"{asked}; leave it out, or use a store of that width.");
        var made = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var chunk in values.Chunk(InferenceOptions.Default.Batch))
        {
            var images = await Task.WhenAll(chunk.Select((value, i) => Task.Run(
                () => classifier.Prepare(value.Data.Span, value.Name ?? $"image {made.Count + i + 1}"), cancellationToken)))
                .ConfigureAwait(false);
            var embeddings = await Task.Run(() => classifier.Embed(images), cancellationToken).ConfigureAwait(false);
            foreach (var embedding in embeddings.Chunk(classifier.EmbeddingWidth))
                made.Add(new(embedding) { ModelId = about.DefaultModelId });
        }
        return made;
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null : serviceType == typeof(EmbeddingGeneratorMetadata) ? about
            : serviceType == typeof(Classifier) ? classifier : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>The classifier stays its owner's.</summary>
    public void Dispose() { }
}
