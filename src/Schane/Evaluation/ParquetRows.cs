using Parquet.Serialization;
using Schane.Checkpoints;

namespace Schane.Evaluation;

/// <summary>Tables as Parquet files, one object a row.</summary>
internal static class ParquetRows
{
    /// <summary>Writes rows, whole or not at all.</summary>
    public static void Write<T>(string path, IReadOnlyCollection<T> rows, IReadOnlyDictionary<string, string>? metadata = null)
        where T : class, new() =>
        AtomicFile.Write(path, stream =>
        {
            using var whole = new MemoryStream();                         // the writer wants to seek
            ParquetSerializer.SerializeAsync(rows, whole, customMetadata: metadata).GetAwaiter().GetResult();
            whole.WriteTo(stream);
        });

    /// <exception cref="SchaneException">There is no such file, or its columns are others.</exception>
    public static (IList<T> Rows, IReadOnlyDictionary<string, string> Metadata) Read<T>(string path) where T : class, new()
    {
        if (!File.Exists(path))
            throw new SchaneException($"There is no '{Printable.Escape(path)}'; the run that should have written it did not finish, or " +
                "an earlier version made it.");
        try
        {
            using var stream = File.OpenRead(path);
            var read = ParquetSerializer.DeserializeAsync<T>(stream).GetAwaiter().GetResult();
            return (read.Data, read.CustomMetadata ?? new Dictionary<string, string>());
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read as a table " +
                $"({Printable.Escape(e.Message.TrimEnd('.'))}); it is damaged or holds something else.", e);
        }
    }
}
