using Parquet;
using Parquet.Data;
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

    /// <summary>The labels of each row of a row group, where the column holds lists; none where a row has none.</summary>
    public static async Task<IReadOnlyList<string>[]> SetsAsync(string file, ParquetRowGroupReader group, DataField label)
    {
        using var column = await group.ReadRawColumnDataBaseAsync(label).ConfigureAwait(false);
        var values = column switch
        {
            RawColumnData<ReadOnlyMemory<char>> texts => Texts(texts),
            RawColumnData<bool> truths => Texts(truths),
            RawColumnData<sbyte> numbers => Texts(numbers),
            RawColumnData<byte> numbers => Texts(numbers),
            RawColumnData<short> numbers => Texts(numbers),
            RawColumnData<ushort> numbers => Texts(numbers),
            RawColumnData<int> numbers => Texts(numbers),
            RawColumnData<uint> numbers => Texts(numbers),
            RawColumnData<long> numbers => Texts(numbers),
            RawColumnData<ulong> numbers => Texts(numbers),
            _ => throw Other(file, label, $"lists of {label.ClrType.Name}"),
        };
        var rows = new List<string>[(int)group.RowCount];
        var (row, next) = (-1, 0);
        for (var i = 0; i < column.RepetitionLevels.Length; i++)
        {
            if (column.RepetitionLevels[i] == 0)
                rows[++row] = [];
            if (column.DefinitionLevels[i] == label.MaxDefinitionLevel)   // below: no element, or no list
                rows[row].Add(values[next++]);
        }
        return rows;
    }

    private static string[] Texts<T>(RawColumnData<T> column) where T : struct
    {
        var texts = new string[column.Values.Length];
        for (var i = 0; i < texts.Length; i++)
            texts[i] = FormattableString.Invariant($"{column.Values[i]}");
        return texts;
    }

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
