using Parquet;
using Parquet.Schema;

namespace Schane.Data.Listing;

/// <summary>Reads a column of labels: whole numbers of any width, true and false, or text.</summary>
internal static class ParquetLabels
{
    /// <summary>The labels of a row group in words; null where there is none.</summary>
    public static Task<string?[]> OfAsync(string file, ParquetRowGroupReader group, DataField label) => label.ClrType switch
    {
        var t when label.IsArray => throw Other(file, label, $"lists of {t.Name}"),
        var t when t == typeof(string) || t == typeof(ReadOnlyMemory<char>) => TextsAsync(group, label),
        var t when t == typeof(bool) => ValuesAsync<bool>(group, label),
        var t when t == typeof(sbyte) => ValuesAsync<sbyte>(group, label),
        var t when t == typeof(byte) => ValuesAsync<byte>(group, label),
        var t when t == typeof(short) => ValuesAsync<short>(group, label),
        var t when t == typeof(ushort) => ValuesAsync<ushort>(group, label),
        var t when t == typeof(int) => ValuesAsync<int>(group, label),
        var t when t == typeof(uint) => ValuesAsync<uint>(group, label),
        var t when t == typeof(long) => ValuesAsync<long>(group, label),
        var t when t == typeof(ulong) => ValuesAsync<ulong>(group, label),
        var t => throw Other(file, label, t.IsGenericType || t.IsArray ? "bytes" : t.Name),
    };

    private static SchaneException Other(string file, DataField label, string type) =>
        new($"'{Printable.Escape(file)}': the column '{Printable.Escape(label.Name)}' holds {type}; labels are whole numbers, true and " +
            "false, or text. Name another column with --label-column, or write the labels as text.");

    private static async Task<string?[]> ValuesAsync<T>(ParquetRowGroupReader group, DataField label) where T : struct
    {
        var values = new T?[(int)group.RowCount];
        if (label.IsNullable)
            await group.ReadAsync(label, values.AsMemory()).ConfigureAwait(false);
        else
        {
            var plain = new T[values.Length];
            await group.ReadAsync(label, plain.AsMemory()).ConfigureAwait(false);
            values = [.. plain.Select(n => (T?)n)];
        }
        return [.. values.Select(n => n is { } value ? FormattableString.Invariant($"{value}") : null)];
    }

    private static async Task<string?[]> TextsAsync(ParquetRowGroupReader group, DataField label)
    {
        var texts = new string?[(int)group.RowCount];
        await group.ReadAsync(label, texts.AsMemory()!).ConfigureAwait(false);
        return texts;
    }
}
