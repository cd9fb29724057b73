using System.Text.RegularExpressions;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class DoctorTests
{
    private static readonly Lazy<Ended> Json = new(() => SchaneProgram.Run("doctor", "--json").Done()),
        Table = new(() => SchaneProgram.Run("doctor").Done());

    [Fact]
    public void Json_is_exactly_one_document_on_stdout_and_names_what_torch_loaded_from()
    {
        var document = Json.Value.Document();
        Assert.True(File.Exists(document.GetProperty("torch").GetProperty("path").GetString()));
        Assert.Equal(Environment.ProcessorCount, document.GetProperty("machine").GetProperty("cores").GetInt32());
    }

    [Trait("Slow", "1")]
    [Fact]
    public void People_are_told_everything_on_stdout_without_colour_codes()
    {
        var ended = Table.Value;
        Assert.Empty(ended.Errors);
        Assert.DoesNotContain('\u001b', ended.Output);
        foreach (var row in (string[])["system", "processor", "memory", "caches", "libtorch", "threads",
            "waiting", "products", "GPU", "MPI", "convolution 1×1, 48 → 80", "attention, 3 heads of 64", "ONNX Runtime, schane_tiny"])
            Assert.Matches($@"(?m)^\s*{Regex.Escape(row)}\s+\S", ended.Output);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void What_is_missing_comes_with_how_to_get_it()
    {
        var document = Json.Value.Document();
        var mpi = document.GetProperty("machine").GetProperty("mpi").GetString();
        Assert.Equal(mpi is null, document.GetProperty("advice").EnumerateArray()
            .Any(a => a.GetString()!.Contains("install libopenmpi3", StringComparison.Ordinal)));
    }

    [Fact]
    public void This_machine_computes_every_operator_as_float64_says()
    {
        var operators = Json.Value.Document().GetProperty("operators").EnumerateArray().ToList();
        foreach (var one in operators)
            Assert.True(one.GetProperty("is_right").GetBoolean(), $"{one}");
        Assert.Equal(["bf16", "float32"], operators.Select(one => one.GetProperty("precision").GetString()!).Distinct().Order());
        foreach (var kind in (string[])["convolution 1×1", "convolution 3×3", "depthwise", "grouped", "linear", "attention",
            "layer norm", "batch norm", "contrastive loss", "ONNX Runtime"])
            Assert.Contains(operators, one => one.GetProperty("operator").GetString()!.StartsWith(kind, StringComparison.Ordinal));
    }

    [Fact]
    public void Who_decided_how_threads_wait_is_said() =>
        Assert.EndsWith("set by Schane", Json.Value.Document().GetProperty("torch").GetProperty("waiting").GetString());

    [Fact]
    public void How_fast_own_products_are_beside_those_of_libtorch_is_said() =>
        Assert.InRange(Json.Value.Document().GetProperty("own_products").GetDouble(), 0, 100);
}
