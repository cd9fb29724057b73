using System.IO.Compression;
using System.Text;
using Schane.Checkpoints;
using Schane.Tests.Support;

namespace Schane.Tests.Checkpoints;

public sealed partial class PthFileTests
{
    private static string Golden(string file) => GoldenFolder.At("models", file);

    private static string Message(byte[] file) =>
        Assert.Throws<CheckpointException>(() => CheckpointFile.Open(file, "some.pth").Dispose()).Message;

    private static byte[] Zip(params (string Name, byte[] Data)[] members) => Zip(CompressionLevel.NoCompression, members);

    private static byte[] Zip(CompressionLevel level, params (string Name, byte[] Data)[] members)
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

    /// <summary>The head of a checkpoint of before 1.6, then a pickle.</summary>
    private static byte[] Legacy(byte[] pickle) =>
        [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.', 0x80, 2, (byte)'M', 0xe9, 3, (byte)'.',
            0x80, 2, .. "}."u8, .. pickle];

    /// <summary>{nesting: {…: {name: a view of 10 floats 0, 1, 2, …}}, epoch: 3}, as torch.save writes it.</summary>
    private static byte[] Tensor(long offset, int[] size, int[] stride, string name = "w", params string[] nesting)
    {
        var pickle = new List<byte> { 0x80, 2 };
        void Raw(string text) => pickle.AddRange(Encoding.Latin1.GetBytes(text));
        void Text(string text) { Raw("X"); pickle.AddRange(BitConverter.GetBytes(text.Length)); Raw(text); }
        void Int(long value) { Raw("J"); pickle.AddRange(BitConverter.GetBytes((int)value)); }
        Raw("}");
        foreach (var outer in nesting)
        {
            Text("epoch");
            Raw("K\u0003s");
            Text(outer);
            Raw("}");
        }
        Text(name);
        Raw("ctorch._utils\n_rebuild_tensor_v2\n((");
        Text("storage");
        Raw("ctorch\nFloatStorage\n");
        Text("0");
        Text("cpu");
        Int(10);
        Raw("tQ");
        Int(offset);
        Raw("(");
        foreach (var s in size)
            Int(s);
        Raw("t(");
        foreach (var s in stride)
            Int(s);
        Raw("t\u0089ccollections\nOrderedDict\n)RtR" + new string('s', nesting.Length + 1) + ".");
        return Zip(("x/data.pkl", pickle.ToArray()),
            ("x/data/0", [.. Enumerable.Range(0, 10).SelectMany(i => BitConverter.GetBytes((float)i))]));
    }

    /// <summary>{'a': a 2×3 array}, as NumPy pickles it.</summary>
    private static byte[] Array(string type, string order, string columnMajor, byte[] data) =>
    [
        0x80, 2, .. Encoding.Latin1.GetBytes($"}}X\u0001\0\0\0acnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\u0001btR(" +
            $"K\u0001K\u0002K\u0003\u0086cnumpy\ndtype\nX\u0002\0\0\0{type}\u0089\u0088\u0087R(" +
            $"K\u0003X\u0001\0\0\0{order}NNNtb{columnMajor}C{(char)data.Length}"),
        .. data, .. "tbs."u8,
    ];
}
