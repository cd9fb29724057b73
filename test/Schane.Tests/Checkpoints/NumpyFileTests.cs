using System.IO.Compression;
using System.Text;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints;

public sealed class NumpyFileTests
{
    [Fact]
    public void Reads_arrays_of_an_archive_in_either_order()
    {
        using var scope = NewDisposeScope();
        byte[] data = [.. Enumerable.Range(0, 6).SelectMany(i => BitConverter.GetBytes((float)i))];
        using var file = CheckpointFile.Open(Archive(CompressionLevel.NoCompression, ("rows.npy", Array("<f4", "(2, 3)", data)),
            ("columns.npy", Array("<f4", "(2, 3)", data, "True")), ("one.npy", Array("<i8", "()", BitConverter.GetBytes(7L)))), "some.npz");
        Assert.Equal(["columns", "one", "rows"], file.Names.Order());
        Assert.Equal([0f, 1, 2, 3, 4, 5], file.Read("rows").data<float>().ToArray());
        Assert.Equal([0f, 2, 4, 1, 3, 5], file.Read("columns").data<float>().ToArray());
        Assert.Equal(7, file.Read("one").item<long>());

        using var single = CheckpointFile.Open(Array("|b1", "(2,)", [0, 5]), "mask.npy");
        Assert.Equal([false, true], single.Read("mask").data<bool>().ToArray());
    }

    [Theory]
    [InlineData("|O", "(2,)", 16, "objects")]
    [InlineData(">f4", "(2,)", 8, "big-endian")]
    [InlineData("<U5", "(2,)", 40, "objects, texts")]
    [InlineData("<f4", "(3,)", 8, "truncated")]
    [InlineData("<f4", "(99999999999, 99999999999)", 8, "truncated")]
    [InlineData("<f4", "(99999999999999999999,)", 8, "shape that is none")]
    [InlineData("<f4", "(-1,)", 8, "not that of a plain array")]
    public void Refuses_an_array_that_is_not_of_plain_numbers(string type, string shape, int bytes, string rule) =>
        Assert.Contains(rule, Assert.Throws<CheckpointException>(() =>
            CheckpointFile.Open(Array(type, shape, new byte[bytes]), "some.npy").Dispose()).Message);

    [Fact]
    public void Refuses_an_archive_that_is_compressed() =>
        Assert.Contains("savez_compressed", Assert.Throws<CheckpointException>(() => CheckpointFile.Open(Archive(CompressionLevel.Optimal,
            ("a.npy", Array("<f4", "(1000,)", new byte[4000]))), "some.npz").Dispose()).Message);

    /// <summary>As numpy.lib.format writes it: version 1, padded to 64 bytes.</summary>
    private static byte[] Array(string type, string shape, byte[] data, string columnMajor = "False")
    {
        var header = $"{{'descr': '{type}', 'fortran_order': {columnMajor}, 'shape': {shape}, }}";
        header = header.PadRight(header.Length + 63 - (10 + header.Length) % 64) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length), .. Encoding.ASCII.GetBytes(header), .. data];
    }

    private static byte[] Archive(CompressionLevel level, params (string Name, byte[] Data)[] members)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create))
            foreach (var (name, data) in members)
            {
                using var stream = zip.CreateEntry(name, level).Open();
                stream.Write(data);
            }
        return memory.ToArray();
    }
}
