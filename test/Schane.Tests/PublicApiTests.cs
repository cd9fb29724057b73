using System.Runtime.CompilerServices;
using PublicApiGenerator;

namespace Schane.Tests;

/// <summary>The whole public API stands in PublicApi.approved.txt, so that its growth shows as a diff.
/// SCHANE_APPROVE=1 rewrites it.</summary>
public class PublicApiTests
{
    [Fact]
    public void The_public_api_is_the_approved_one()
    {
        var api = typeof(SchaneException).Assembly.GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false })
            .ReplaceLineEndings("\n") + "\n";
        var file = Path.Combine(Path.GetDirectoryName(Here())!, "PublicApi.approved.txt");
        if (Environment.GetEnvironmentVariable("SCHANE_APPROVE") == "1")
            File.WriteAllText(file, api);
        Assert.Equal(File.ReadAllText(file), api);
    }

    /// <summary>Each is there to be called: what a program writes, reads or brings of its own.</summary>
    [Fact]
    public void There_are_at_most_110_public_types() =>
        Assert.InRange(typeof(SchaneException).Assembly.GetExportedTypes().Count(type => !type.IsNested), 80, 110);

    private static string Here([CallerFilePath] string path = "") => path;
}
