using CsCheck;
using Schane.Checkpoints;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints;

/// <summary>Damaged files: only the documented exception leaves the readers, whatever the bytes.</summary>
[Trait("Long", "1")]
public sealed class FuzzTests
{
    private const int Mutations = 20_000;

    private static readonly string[] Files = ["pickle_edge.pth", "pickle_edge_legacy.pth", "pickle_edge.expected.safetensors",
        "vit_cls_legacy.weights.safetensors", "vit_cls_legacy.pth"];

    [Fact]
    public void Only_CheckpointException_leaves_a_reader_of_a_damaged_file()
    {
        var files = Files.Select(f => File.ReadAllBytes(GoldenFolder.At("models", f))).ToArray();
        var (opened, refused) = (0, 0);
        Gen.Select(Gen.Int[0, files.Length - 1], Gen.ULong).Sample((file, seed) =>
        {
            var bytes = Damaged(files[file], new Random((int)(seed % int.MaxValue)));
            try
            {
                using var scope = NewDisposeScope();
                using var checkpoint = CheckpointFile.Open(bytes, Files[file]);
                foreach (var name in checkpoint.Names)
                    checkpoint.Read(name).Dispose();
                Interlocked.Increment(ref opened);
            }
            catch (CheckpointException)
            {
                Interlocked.Increment(ref refused);
            }
        }, iter: Mutations, threads: 1);
        Assert.True(opened > Mutations / 100 && refused > Mutations / 4, $"{opened} opened, {refused} refused: the damage is not varied");
    }

    /// <summary>One to six changes, most of them in the first and last kilobytes, where headers, pickles and directories stand.</summary>
    private static byte[] Damaged(byte[] good, Random random)
    {
        var bytes = new List<byte>(good);
        for (var change = random.Next(1, 7); change > 0 && bytes.Count > 0; change--)
        {
            var at = random.Next(3) switch
            {
                0 => random.Next(Math.Min(bytes.Count, 1500)),
                1 => bytes.Count - 1 - random.Next(Math.Min(bytes.Count, 1000)),
                _ => random.Next(bytes.Count)
            };
            switch (random.Next(6))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at)); break;
                case 3: bytes.Insert(at, (byte)random.Next(256)); break;
                case 4 when random.Next(4) == 0: bytes.RemoveRange(at, bytes.Count - at); break;
                default:
                    var from = random.Next(bytes.Count);
                    for (var i = 0; i < Math.Min(8, bytes.Count - Math.Max(at, from)); i++)
                        bytes[at + i] = bytes[from + i];
                    break;
            }
        }
        return [.. bytes];
    }
}
