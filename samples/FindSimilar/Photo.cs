using Microsoft.Extensions.VectorData;

namespace FindSimilar;

/// <summary>An image and what the model makes of it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Vector">Its embedding.</param>
public sealed record Photo([property: VectorStoreKey] string Path, ReadOnlyMemory<float> Vector);
