using System.Linq.Expressions;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

namespace FindSimilar;

/// <summary>The smallest collection that keeps the contract of Microsoft.Extensions.VectorData: records in memory, cosine to all of them.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="key">Key of a record.</param>
/// <param name="vector">Vector of a record; all have one width.</param>
/// <param name="generator">Makes the vector of an image that is searched for.</param>
public sealed class RecordsInMemory<TKey, TRecord>(string name, Func<TRecord, TKey> key, Func<TRecord, ReadOnlyMemory<float>> vector,
    IEmbeddingGenerator<DataContent, Embedding<float>> generator) : VectorStoreCollection<TKey, TRecord>
    where TKey : notnull where TRecord : class
{
    private Dictionary<TKey, TRecord>? records;

    /// <inheritdoc/>
    public override string Name => name;

    private Dictionary<TKey, TRecord> Records =>
        records ?? throw new VectorStoreException($"Collection '{name}' does not exist; call EnsureCollectionExistsAsync first.");

    /// <inheritdoc/>
    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) => Task.FromResult(records is not null);

    /// <inheritdoc/>
    public override Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default)
    {
        records ??= [];
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default)
    {
        records = null;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task<TRecord?> GetAsync(TKey key, RecordRetrievalOptions? options = null,
        CancellationToken cancellationToken = default) => Task.FromResult(Records.GetValueOrDefault(key));

    /// <inheritdoc/>
    public override async IAsyncEnumerable<TRecord> GetAsync(Expression<Func<TRecord, bool>> filter, int top,
        FilteredRecordRetrievalOptions<TRecord>? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        foreach (var record in Records.Values.Where(filter.Compile()).Skip(options?.Skip ?? 0).Take(top))
            yield return record;
    }

    /// <inheritdoc/>
    public override Task DeleteAsync(TKey key, CancellationToken cancellationToken = default)
    {
        Records.Remove(key);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Its vector is of another width than those that are there.</exception>
    public override Task UpsertAsync(TRecord record, CancellationToken cancellationToken = default)
    {
        var width = vector(record).Length;
        if (Records.Values.FirstOrDefault() is { } other && vector(other).Length != width)
            throw new ArgumentException($"Vectors of '{name}' must have {vector(other).Length} numbers, but that of '{key(record)}' has " +
                $"{width}; make all with one model.", nameof(record));
        Records[key(record)] = record;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task UpsertAsync(IEnumerable<TRecord> records, CancellationToken cancellationToken = default)
    {
        foreach (var record in records)
            await UpsertAsync(record, cancellationToken);
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<VectorSearchResult<TRecord>> SearchAsync<TInput>(TInput searchValue, int top,
        VectorSearchOptions<TRecord>? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var wanted = searchValue switch
        {
            DataContent image => (await generator.GenerateAsync([image], cancellationToken: cancellationToken))[0].Vector,
            Embedding<float> embedding => embedding.Vector,
            ReadOnlyMemory<float> numbers => numbers,
            _ => throw new NotSupportedException($"'{name}' is searched by an image or a vector, not by {typeof(TInput).Name}."),
        };
        var filter = options?.Filter?.Compile() ?? (_ => true);
        var found = Records.Values.Where(filter)
            .Select(record => (Record: record, Score: (double)TensorPrimitives.CosineSimilarity(wanted.Span, vector(record).Span)))
            .Where(one => options?.ScoreThreshold is not { } least || one.Score >= least)
            .OrderByDescending(one => one.Score).Skip(options?.Skip ?? 0).Take(top);
        foreach (var (record, score) in found)
            yield return new(record, score);
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;
}
