using System.Text.RegularExpressions;
using Schane.Tests.Data;

namespace Schane.Tests.Samples;

/// <summary>The notebook of the quick start: its cells are code that the tests compile and run.</summary>
[Trait("Long", "1")]
public sealed class NotebookTests
{
    private static string Read(params string[] path) => File.ReadAllText(Path.Combine([ReadmeTests.Root(), .. path]));

    [Fact]
    public void Every_cell_of_the_notebook_is_code_that_the_tests_compile()
    {
        var cells = Regex.Matches(Read("samples", "QuickStart.dib"), @"#!csharp\n\n(.*?)\n(?=\n#!|\z)", RegexOptions.Singleline)
            .Select(cell => cell.Groups[1].Value.Trim()).ToList();
        var compiled = Regex.Matches(Read("test", "Schane.Tests", "Samples", "QuickStartNotebook.cs"),
            @"( *)// <cell>\n(.*?) *// </cell>", RegexOptions.Singleline)
            .Select(cell => Regex.Replace(cell.Groups[2].Value, $"(?m)^{cell.Groups[1].Value}", "").Trim()).ToList();
        // Packages come first, then the namespaces; what a user sets comes before the work.
        Assert.StartsWith("#i \"nuget:", cells[0]);
        Assert.Equal(["photos", "folder", "budget"], Regex.Matches(cells[2], @"(?m)^var (\w+) =").Select(m => m.Groups[1].Value));
        Assert.Equal(compiled, [cells[1], .. cells[3..]]);
    }

    [Fact]
    public void The_notebook_names_the_packages_of_this_build()
    {
        var version = Regex.Match(Read("Directory.Build.props"), "<Version>(.*?)</Version>").Groups[1].Value;
        var packages = Read("Directory.Packages.props");
        foreach (Match package in Regex.Matches(Read("samples", "QuickStart.dib"), @"#r ""nuget: ([^,]+), ([^""]+)"""))
            if (package.Groups[1].Value == "Schane")
                Assert.Equal(version, package.Groups[2].Value);
            else
                Assert.Contains($"Include=\"{package.Groups[1].Value}\" Version=\"{package.Groups[2].Value}\"", packages);
    }

    [Trait("Slow", "1")]
    [Fact]
    public void The_cells_train_predict_and_export()
    {
        using var folder = new TemporaryFolder();
        for (var c = 0; c < 2; c++)
            for (var i = 0; i < 8; i++)
                folder.Write($"photos/class{c}/{i}.png", Pictures.Flat(24, 24, (byte)(40 + 170 * c), (byte)(10 * i), 90));
        var export = QuickStartNotebook.Run(Path.Combine(folder.Path, "photos"), Path.Combine(folder.Path, "run"), TimeSpan.FromSeconds(5));
        Assert.True(export.Parity.Passed);
        Assert.True(File.Exists(Path.Combine(folder.Path, "run", "model.onnx")));
    }
}
