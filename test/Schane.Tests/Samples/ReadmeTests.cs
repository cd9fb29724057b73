using System.Runtime.CompilerServices;
using Schane.Tests.Data;

namespace Schane.Tests.Samples;

[Trait("Long", "1")]
public class ReadmeTests
{
    [Fact]
    public void The_code_in_the_readme_is_the_code_that_the_tests_compile()
    {
        var readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        var sample = File.ReadAllText(Path.Combine(Root(), "test", "Schane.Tests", "Samples", "TrainOnAFolder.cs"));
        var code = sample.Split("// <sample>\n")[1].Split("// </sample>")[0];
        Assert.Contains($"```csharp\n{code}```", readme);
    }

    [Fact]
    public void The_code_in_the_readme_trains_on_a_folder_and_predicts()
    {
        using var folder = new TemporaryFolder();
        for (var c = 0; c < 2; c++)
            for (var i = 0; i < 8; i++)
                folder.Write($"photos/class{c}/{i}.png", Pictures.Flat(24, 24, (byte)(40 + 170 * c), (byte)(10 * i), 90));
        TrainOnAFolder.Run(Path.Combine(folder.Path, "photos"), Path.Combine(folder.Path, "run"),
            Path.Combine(folder.Path, "photos", "class0", "0.png"), TimeSpan.FromSeconds(5));
        Assert.True(File.Exists(Path.Combine(folder.Path, "run", "report.html")));
    }

    internal static string Root([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
