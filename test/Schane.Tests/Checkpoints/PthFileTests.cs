using System.IO.Compression;
using Schane.Checkpoints;
using Schane.Models;
using Schane.Tests.Models;
using Schane.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints;

public sealed partial class PthFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("schane-pth-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    /// <summary>Made by Python's own pickle from objects whose __reduce__ names the function.</summary>
    public static TheoryData<string, string> Hostile => [.. ((string[][])
    [
        ["posix.system",
            "KGRwMApWbW9kZWwKcDEKY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnAyCih0UnAzClZ3CnA0CmNwb3NpeApzeXN0ZW0KcDUKKFZ0" +
            "b3VjaCAvdG1wL3NjaGFuZS1vd25lZApwNgp0cDcKUnA4CnNzLg=="],
        ["posix.system",
            "gAJ9cQBYBQAAAG1vZGVscQFjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQIpUnEDWAEAAAB3cQRjcG9zaXgKc3lzdGVtCnEFWBcA" +
            "AAB0b3VjaCAvdG1wL3NjaGFuZS1vd25lZHEGhXEHUnEIc3Mu"],
        ["posix.system",
            "gASVYwAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwFcG9zaXiUjAZzeXN0ZW2U" +
            "k5SMF3RvdWNoIC90bXAvc2NoYW5lLW93bmVklIWUUpRzcy4="],
        ["builtins.eval",
            "gASVTgAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwIYnVpbHRpbnOUjARldmFs" +
            "lJOUjAExlIWUUpRzcy4="],
        ["__builtin__.eval",
            "gAJ9cQBYBQAAAG1vZGVscQFjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQIpUnEDWAEAAAB3cQRjX19idWlsdGluX18KZXZhbApx" +
            "BVgBAAAAMXEGhXEHUnEIc3Mu"],
        ["builtins.exec",
            "gASVagAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwIYnVpbHRpbnOUjARleGVj" +
            "lJOUjB1vcGVuKCcvdG1wL3NjaGFuZS1vd25lZCcsJ3cnKZSFlFKUc3Mu"],
        ["subprocess.Popen",
            "gASVbQAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwKc3VicHJvY2Vzc5SMBVBv" +
            "cGVulJOUXZQojAV0b3VjaJSMES90bXAvc2NoYW5lLW93bmVklGWFlFKUc3Mu"],
        ["builtins.getattr",
            "gASVWQAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwIYnVpbHRpbnOUjAdnZXRh" +
            "dHRylJOUjAF4lIwFdXBwZXKUhpRSlHNzLg=="],
        ["builtins.__import__",
            "gASVVQAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwIYnVpbHRpbnOUjApfX2lt" +
            "cG9ydF9flJOUjAJvc5SFlFKUc3Mu"],
        ["io.open",
            "gASVWgAAAAAAAAB9lIwFbW9kZWyUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAF3lIwCaW+UjARvcGVulJOUjBEv" +
            "dG1wL3NjaGFuZS1vd25lZJRoBoaUUpRzcy4="],
    ]).Select(c => (c[0], c[1]))];

    public static TheoryData<string> GoldenForms =>
        [.. GoldenModel.Names().Select(c => c.Data).Where(name => GoldenModel.Open(name).Pth is not null)];

    public static TheoryData<string> Pickles => [.. GoldenFolder.Files("models", "pickle_edge*.pth")];

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Theory, MemberData(nameof(GoldenForms))]
    public void Holds_the_tensors_of_the_safetensors_file_beside_it(string name)
    {
        var golden = GoldenModel.Open(name);
        using var pth = CheckpointFile.Open(golden.Pth!);
        using var expected = golden.Weights();
        AssertSame(expected, pth);

        using var model = new ImageClassifier(golden.Build(), golden.Classes);
        var report = model.Load(pth, HeadLoading.Required);
        Assert.Empty(report.Reinitialised);
        Assert.Equal(pth.Names.Contains("beit3.text_embed.weight"), report.Ignored.Contains("beit3.text_embed.weight"));
    }

    [Theory, MemberData(nameof(Pickles))]
    public void Reads_strided_shared_offset_half_integer_and_empty_tensors(string file)
    {
        using var pth = CheckpointFile.Open(Golden(file));
        using var expected = CheckpointFile.Open(Path.Combine(Path.GetDirectoryName(Golden(file))!, "pickle_edge.expected.safetensors"));
        AssertSame(expected, pth);
    }

    [Theory, MemberData(nameof(Hostile))]
    public void Refuses_a_pickle_that_asks_for_code_by_the_name_it_asks_for(string name, string pickle)
    {
        foreach (var file in (byte[][])[Zip(("archive/data.pkl", Convert.FromBase64String(pickle))),
            Legacy(Convert.FromBase64String(pickle))])
        {
            var e = Assert.Throws<CheckpointException>(() => CheckpointFile.Open(file, "some.pth").Dispose());
            Assert.Contains($"'{name}'", e.Message);
            Assert.Contains("refused", e.Message);
        }
        Assert.False(File.Exists("/tmp/schane-owned"));
    }

    [Fact]
    public void Prints_the_closed_list_and_none_of_it_can_run_code()
    {
        Assert.All(PthFile.UnderstoodNames, n => Assert.Matches("^(torch|numpy|collections|argparse|builtins|__builtin__|_codecs)", n));
        Assert.DoesNotContain(PthFile.UnderstoodNames, n => n.Contains("eval") || n.Contains("exec") || n.Contains("getattr")
            || n.Contains("import") || n.EndsWith(" load", StringComparison.Ordinal));
    }

    [Fact]
    public void Reads_numeric_NumPy_arrays_and_refuses_arrays_of_objects()
    {
        // pickle.dumps({'a': numpy.arange(6, dtype='<f4').reshape(2, 3, order='F'), 'n': numpy.float64(2.5)},
        // protocol=2), written out by hand.
        using var pth = CheckpointFile.Open(Zip(("x/data.pkl",
            Array("f4", "<", "\x88", [0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64]))), "some.pth");
        var a = pth.Read("a");
        Assert.Equal([2, 3], a.shape);
        Assert.Equal([0f, 2, 4, 1, 3, 5], a.data<float>().ToArray());     // column after column
        Assert.Contains("arrays of objects",
            Message(Zip(("x/data.pkl", Array("O8", "|", "\x89", [])))).Replace("object arrays", "arrays of objects"));
        Assert.Contains("big-endian", Message(Zip(("x/data.pkl", Array("f4", ">", "\x89", new byte[24])))));
    }

    [Fact]
    public void Refuses_what_is_not_a_checkpoint_with_a_reason()
    {
        var good = File.ReadAllBytes(Golden("pickle_edge.pth"));
        Assert.Contains("truncated", Message(good[..^200]));
        Assert.Contains("truncated", Message(good[..1000]));
        Assert.Contains("neither one of PyTorch", Message(Zip(("a.txt", [1]))));
        Assert.Contains("holds no dictionary of tensors", Message(Zip(("x/data.pkl", [0x80, 2, .. "}."u8]))));
        Assert.Contains("magic number", Message([0x80, 2, .. "K\x01."u8]));
        Assert.Contains("truncated", Message(File.ReadAllBytes(Golden("pickle_edge_legacy.pth"))[..^10]));
        Assert.Contains("is a folder", Assert.Throws<CheckpointException>(() => CheckpointFile.Open(folder)).Message);
        Assert.Contains("does not exist",
            Assert.Throws<CheckpointException>(() => CheckpointFile.Open(Path.Combine(folder, "no.pth"))).Message);
    }

    [Fact]
    public void Refuses_a_tensor_that_reaches_beyond_its_memory_or_is_far_larger()
    {
        Assert.Contains("reach to element 11", Reading(Tensor(offset: 8, size: [4], stride: [1])));
        Assert.Contains("far larger", Reading(Tensor(offset: 0, size: [1 << 30, 4], stride: [0, 1])));
        Assert.Contains("far larger", Reading(Tensor(offset: 0, size: [int.MaxValue, int.MaxValue, int.MaxValue], stride: [0, 0, 0])));
        using var expanded = CheckpointFile.Open(Tensor(offset: 1, size: [3, 2], stride: [0, 1]), "some.pth");
        Assert.Equal([1f, 2, 1, 2, 1, 2], expanded.Read("w").data<float>().ToArray());

        string Reading(byte[] file)
        {
            using var pth = CheckpointFile.Open(file, "some.pth");
            return Assert.Throws<CheckpointException>(() => pth.Read("w")).Message;
        }
    }

    [Fact]
    public void Stops_at_a_pickle_that_makes_millions_of_values()
    {
        var bomb = new byte[6_000_000];
        System.Array.Fill(bomb, (byte)']');
        (bomb[0], bomb[1]) = (0x80, 2);
        Assert.Contains("makes more than", Message(Zip(("x/data.pkl", bomb))));
    }

    [Fact]
    public void Does_not_unpack_a_zip_bomb()
    {
        var bomb = Zip(CompressionLevel.Fastest, ("x/data.pkl", new byte[200 << 20]));
        Assert.True(bomb.Length < 2 << 20);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("compressed", Message(bomb));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]                                                              // timm and BEiT; Lightning; DeepSpeed; both
    [InlineData("w", "w", "model")]
    [InlineData("w", "w", "state_dict")]
    [InlineData("w", "w", "module")]
    [InlineData("module.w", "w", "state_dict")]
    [InlineData("w", "w", "module", "model")]
    [InlineData("module.w", "w")]
    [InlineData("_orig_mod.w", "w", "model")]
    [InlineData("module.encoder.w", "w", "state_dict")]
    public void Takes_the_published_nestings_and_prefixes_off(string name, string expected, params string[] nesting)
    {
        using var pth = CheckpointFile.Open(Tensor(0, [2], [1], name, nesting), "some.pth");
        Assert.Equal([expected], pth.Names);
        Assert.Equal([0f, 1], pth.Read(expected).data<float>().ToArray());
    }

    private static void AssertSame(ICheckpoint expected, ICheckpoint actual)
    {
        Assert.Equal(expected.Names.Order(), actual.Names.Order());
        foreach (var name in expected.Names)
        {
            Assert.Equal(expected.ShapeOf(name), actual.ShapeOf(name));
            Assert.Equal(expected.TypeOf(name), actual.TypeOf(name));
            Assert.True(expected.Read(name).equal(actual.Read(name)).all().item<bool>(), name);
        }
    }
}
