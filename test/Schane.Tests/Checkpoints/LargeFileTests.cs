using System.Text;
using Schane.Checkpoints;

namespace Schane.Tests.Checkpoints;

/// <summary>Files beyond 2 GiB and 4 GiB, of holes but for their heads and ends: what lies behind the holes is found, and nothing is read
/// that was not asked for.</summary>
public sealed class LargeFileTests : IDisposable
{
    private const long Hole = (1L << 32) + 1000;
    private const long TwoGibibytes = 1L << 31;

    private readonly string path = Path.Combine(Path.GetTempPath(), $"schane-large-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(path);

    public static TheoryData<string> Forms => ["safetensors", "zip", "legacy"];

    [Theory, MemberData(nameof(Forms))]
    public void A_tensor_behind_four_gibibytes_is_read_and_the_rest_is_left_where_it_is(string form)
    {
        Write(form, Hole);
        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = CheckpointFile.Open(path);
        Assert.Equal([Hole], file.ShapeOf("hole"));
        using var last = file.Read("last");
        Assert.Equal([1.5f, -2f], last.data<float>().ToArray());
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 40 << 20);
    }

    [Theory, MemberData(nameof(Forms))]
    [Trait("Slow", "1")]                                                  // takes 2 GiB of memory
    public void A_tensor_of_more_than_two_gibibytes_is_read_whole(string form)
    {
        Write(form, TwoGibibytes + 3);
        using var file = CheckpointFile.Open(path);
        using var hole = file.Read("hole");
        Assert.Equal(TwoGibibytes + 3, hole.numel());
        Assert.Equal((0, 7), (hole[TwoGibibytes].item<byte>(), hole[TwoGibibytes + 2].item<byte>()));
    }

    /// <summary>{hole: so many bytes, all 0 but the last, which is 7; last: [1.5, −2]}.</summary>
    private void Write(string form, long bytes)
    {
        using var file = File.Create(path);
        Action<FileStream, long> write = form switch { "safetensors" => Safetensors, "zip" => Zip, _ => Legacy };
        write(file, bytes);
    }

    private static byte[] Last => [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)];

    private static void Safetensors(FileStream file, long bytes)
    {
        var header = Encoding.ASCII.GetBytes($$$"""{"hole":{"dtype":"U8","shape":[{{{bytes}}}],"data_offsets":[0,{{{bytes}}}]}""" +
            $$$""","last":{"dtype":"F32","shape":[2],"data_offsets":[{{{bytes}}},{{{bytes + 8}}}]}}""");
        file.Write([.. BitConverter.GetBytes((long)header.Length), .. header]);
        WriteHole(file, bytes);
        file.Write(Last);
    }

    // PyTorch's archive with zip64 sizes and offsets.
    private static void Zip(FileStream file, long bytes)
    {
        var members = new (string Name, Action Write)[]
        {
            ("x/data.pkl", () => file.Write(Pickle(bytes))),
            ("x/data/0", () => WriteHole(file, bytes)),
            ("x/data/1", () => file.Write(Last)),
        };
        var directory = new List<byte>();
        foreach (var (name, write) in members)
        {
            var at = file.Position;
            var label = Encoding.ASCII.GetBytes(name);
            // flags to the length of the name
            byte[] common = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, (byte)label.Length, 0];
            file.Write([(byte)'P', (byte)'K', 3, 4, 45, 0, .. common, 0, 0, .. label]);
            var start = file.Position;
            write();
            var size = BitConverter.GetBytes(file.Position - start);
            directory.AddRange([(byte)'P', (byte)'K', 1, 2, 45, 0, 45, 0, .. common, 28, 0, .. new byte[10], 0xFF, 0xFF, 0xFF, 0xFF,
                .. label, 1, 0, 24, 0, .. size, .. size, .. BitConverter.GetBytes(at)]);
        }
        var (begin, count) = (file.Position, BitConverter.GetBytes((long)members.Length));
        file.Write([.. directory]);
        var end = file.Position;
        file.Write([(byte)'P', (byte)'K', 6, 6, .. BitConverter.GetBytes(44L), 45, 0, 45, 0, .. new byte[8], .. count, .. count,
            .. BitConverter.GetBytes((long)directory.Count), .. BitConverter.GetBytes(begin)]);
        file.Write([(byte)'P', (byte)'K', 6, 7, 0, 0, 0, 0, .. BitConverter.GetBytes(end), 1, 0, 0, 0]);
        file.Write([(byte)'P', (byte)'K', 5, 6, 0, 0, 0, 0, .. Enumerable.Repeat((byte)0xFF, 12), 0, 0]);
    }

    // The form of before 1.6: pickles, then each storage with its length before it.
    private static void Legacy(FileStream file, long bytes)
    {
        file.Write([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.', 0x80, 2, (byte)'M', 0xe9, 3,
            (byte)'.', 0x80, 2, .. "}."u8, .. Pickle(bytes), 0x80, 2, .. "](U\u00010U\u00011e."u8]);
        file.Write(BitConverter.GetBytes(bytes));
        WriteHole(file, bytes);
        file.Write([.. BitConverter.GetBytes(2L), .. Last]);
    }

    private static byte[] Pickle(long bytes)
    {
        var pickle = new List<byte> { 0x80, 2 };
        void Raw(string text) => pickle.AddRange(Encoding.Latin1.GetBytes(text));
        void Number(long value) => pickle.AddRange([0x8a, 8, .. BitConverter.GetBytes(value)]);
        void Tensor(string name, string storage, string key, long elements)
        {
            Raw($"U{(char)name.Length}{name}ctorch._utils\n_rebuild_tensor_v2\n((U\u0007storagectorch\n{storage}\nU\u0001{key}U\u0003cpu");
            Number(elements);
            Raw("tQK\0(");
            Number(elements);
            Raw("t(K\u0001t\u0089ccollections\nOrderedDict\n)RtR");
        }
        Raw("}(");
        Tensor("hole", "ByteStorage", "0", bytes);
        Tensor("last", "FloatStorage", "1", 2);
        Raw("u.");
        return [.. pickle];
    }

    private static void WriteHole(FileStream file, long bytes)
    {
        file.SetLength(file.Position + bytes);
        file.Position = file.Length - 1;
        file.WriteByte(7);
    }
}
