using System.Text;
using Schane.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("schane-safetensors-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Gives_back_every_type_and_shape_that_was_written()
    {
        ScalarType[] types =
        [
            ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
            ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool, ScalarType.ComplexFloat32,
        ];
        var tensors = types.ToDictionary(t => $"{t}", t => arange(0, 6).reshape(2, 3).to(t));
        tensors.Add("scalar", tensor(7.5));
        tensors.Add("empty", zeros(0, 3));
        tensors.Add("transposed", arange(6).reshape(2, 3).t());

        var path = Path.Combine(folder, "all.safetensors");
        Safetensors.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt", ["classes"] = "[\"é\\n\"]" });

        using var file = Safetensors.Open(path);
        Assert.Equal(tensors.Keys.Order(), file.Names.Order());
        Assert.Equal("[\"é\\n\"]", file.Metadata["classes"]);
        foreach (var (name, tensor) in tensors)
        {
            Assert.Equal(tensor.shape, file.ShapeOf(name));
            Assert.Equal(tensor.dtype, file.Read(name).dtype);
            Assert.True(file.Read(name).equal(tensor).all().item<bool>(), name);
        }
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void Reads_bytes_laid_out_by_hand_as_the_format_says()
    {
        var file = Some("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},"y":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}""",
            [0xC0, 0x3F, 0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC1]);
        using var open = Safetensors.Open(file, "some");
        Assert.Equal([1f, -10f], open.Read("x").data<float>().ToArray());
        Assert.Equal(1.5f, open.Read("y").to(ScalarType.Float32).item<float>());
    }

    [Fact]
    public void Widens_types_that_torch_lacks_without_loss()
    {
        var file = Some(
            """{"a":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"F8_E5M2","shape":[3],"data_offsets":[5,8]}""" +
            ""","c":{"dtype":"U16","shape":[1],"data_offsets":[8,10]},"d":{"dtype":"U32","shape":[1],"data_offsets":[10,14]}}""",
            [0x38, 0x7E, 0x01, 0xC4, 0x7F, 0x3C, 0x7C, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        using var open = Safetensors.Open(file, "some");
        Assert.Equal([1f, 448f, 1f / 512, -3f, float.NaN], open.Read("a").data<float>().ToArray());
        Assert.Equal([1f, float.PositiveInfinity, 1f / 65536], open.Read("b").data<float>().ToArray());
        Assert.Equal(65535, open.Read("c").item<int>());
        Assert.Equal(4294967295L, open.Read("d").item<long>());
    }

    [Theory]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "truncated")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "after its last tensor")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8,
        "overlap")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "gaps")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "whole number")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "need 8")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "need 12")]
    [InlineData("""{"x":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", 8, "'F31', which is none of")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", 8, "overflows")]
    [InlineData("""{"x":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,8]}}""", 8, "overflows")]
    [InlineData("""{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8, "whole number")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}""", 8, "whole number")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8,
        "twice")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2]}}""", 8, "no dtype")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}}""", 8, "'more'")]
    [InlineData("""{"__metadata__":{"a":1},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "not a string")]
    [InlineData("""{"x":7}""", 0, "not an object")]
    [InlineData("""{"x":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}}""", 8, "whole number")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "not JSON")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", 8, "not JSON")]
    [InlineData("""{} {}""", 0, "not JSON")]
    [InlineData("""[]""", 0, "begin with '{'")]
    public void Refuses_a_header_that_breaks_a_rule(string header, int dataBytes, string rule)
    {
        var e =
            Assert.Throws<CheckpointException>(() => Safetensors.Open(Some(header, new byte[dataBytes]), "weights.safetensors").Dispose());
        Assert.StartsWith("'weights.safetensors' ", e.Message);
        Assert.Contains(rule, e.Message);
    }

    [Fact]
    public void Refuses_a_header_longer_than_the_file_and_one_of_100_MB_without_allocating_it()
    {
        Assert.Contains("should have", Error([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, .. new byte[100]]));

        var path = Path.Combine(folder, "hostile.safetensors");
        using (var file = File.Create(path))
        {
            file.Write(BitConverter.GetBytes(100L << 20));
            file.SetLength(8 + (100L << 20));
        }
        var before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<CheckpointException>(() => Safetensors.Open(path).Dispose());
        Assert.Contains("are allowed", e.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Names_what_it_was_given_in_the_place_of_a_file()
    {
        Assert.Contains("web page", Error(Encoding.UTF8.GetBytes("<!DOCTYPE html><html><body>Not found</body></html>")));
        Assert.Contains("has 0 bytes", Error([]));
        Assert.Contains("is a folder", Assert.Throws<CheckpointException>(() => Safetensors.Open(folder)).Message);
        Assert.Contains("does not exist",
            Assert.Throws<CheckpointException>(() => Safetensors.Open(Path.Combine(folder, "no.safetensors"))).Message);
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "is a Git LFS pointer")]
    [InlineData("\uFEFF\n <html>{}</html>", "web page")]
    public void What_a_clone_or_a_download_left_in_the_place_of_weights_is_called_by_its_name(string content, string name)
    {
        foreach (var file in (string[])["m.safetensors", "m.pth", "m.bin", "m.safetensors.index.json"])
        {
            var path = Path.Combine(folder, file);
            File.WriteAllText(path, content);
            Assert.Contains(name, Assert.Throws<CheckpointException>(() => CheckpointFile.Open(path).Dispose()).Message);
        }
    }

    [Theory]
    [InlineData("module.", "module.")]
    [InlineData("module.encoder.", "module.encoder.")]
    [InlineData("_orig_mod.module.model.backbone.", "_orig_mod.module.model.backbone.")]
    [InlineData("conv.", "")]
    public void A_prefix_of_models_inside_models_that_all_names_share_is_taken_off(string prefix, string taken)
    {
        var path = Path.Combine(folder, "inside.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { [prefix + "model.w"] = ones(2), [prefix + "bias"] = zeros(3) });
        using var file = CheckpointFile.Open(path);
        Assert.Equal(taken, (file as WithoutPrefix)?.Prefix ?? "");
        Assert.Equal([prefix[taken.Length..] + "bias", prefix[taken.Length..] + "model.w"], file.Names.Order());
        Assert.Equal([3], file.ShapeOf(prefix[taken.Length..] + "bias"));
        Assert.Equal([1f, 1f], file.Read(prefix[taken.Length..] + "model.w").data<float>().ToArray());
    }

    [Fact]
    public void Leaves_the_old_file_and_no_other_where_writing_fails()
    {
        var path = Path.Combine(folder, "kept.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["x"] = ones(2) });
        Assert.Throws<ArgumentException>(() =>
            Safetensors.Write(path, new Dictionary<string, Tensor> { ["x"] = ones(2, dtype: ScalarType.ComplexFloat64) }));
        Assert.Equal([path], Directory.GetFiles(folder));
        using var file = Safetensors.Open(path);
        Assert.Equal([1f, 1f], file.Read("x").data<float>().ToArray());
    }

    private static string Error(byte[] bytes) =>
        Assert.Throws<CheckpointException>(() => Safetensors.Open(bytes, "some").Dispose()).Message;

    private static byte[] Some(string header, byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. data];
    }
}
