namespace Schane.Tests.Cli;

public class DoctorTests
{
    private static readonly Lazy<Ended> Json = new(() => SchaneProgram.Run("doctor", "--json").Done());

    [Fact]
    public void Json_is_exactly_one_document_on_stdout_and_names_what_torch_loaded_from()
    {
        var document = Json.Value.Document();
        Assert.True(File.Exists(document.GetProperty("torch").GetProperty("path").GetString()));
        Assert.Equal(Environment.ProcessorCount, document.GetProperty("machine").GetProperty("cores").GetInt32());
    }

    [Fact]
    public void People_are_told_everything_on_stderr_without_colour_codes()
    {
        var ended = SchaneProgram.Run("doctor").Done();
        Assert.Empty(ended.Output);
        Assert.DoesNotContain('\u001b', ended.Errors);
        foreach (var row in (string[])["system", "processor", "memory", "libtorch", "threads", "GPU", "MPI"])
            Assert.Matches($@"(?m)^\s*{row}\s+\S", ended.Errors);
    }

    [Fact]
    public void What_is_missing_comes_with_how_to_get_it()
    {
        var document = Json.Value.Document();
        var mpi = document.GetProperty("machine").GetProperty("mpi").GetString();
        Assert.Equal(mpi is null, document.GetProperty("advice").EnumerateArray().Any(a => a.GetString()!.Contains("install libopenmpi3", StringComparison.Ordinal)));
    }
}
