using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Schane.Tests.Data;
using Schane.Tests.Support;

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
        // A project has these without a word, a notebook hasn't.
        const string implied = "using System.IO;\nusing System.Linq;\n";
        Assert.StartsWith(implied, cells[1]);
        Assert.Equal(compiled, [cells[1][implied.Length..], .. cells[3..]]);
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

    /// <summary>The program that runs notebooks, as a global tool; null where it isn't installed.</summary>
    internal static string? Program => ((string[])[.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator),
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet", "tools")])
        .Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, "dotnet-repl")).FirstOrDefault(File.Exists);

    [Fact]
    [Trait("Slow", "1")]
    [Needs(Needs.Notebooks)]
    public void A_notebook_tool_runs_every_cell_from_the_packages()
    {
        using var folder = new TemporaryFolder();
        var version = $"0.0.0-notebook{Environment.ProcessId}";           // the tool restores into the user's own packages folder
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        try
        {
            Ended("dotnet", "pack", Path.Combine(ReadmeTests.Root(), "src", "Schane"), "-c", "Release", "--no-build", "-o",
                Path.Combine(folder.Path, "feed"), $"-p:PackageVersion={version}", "-v", "quiet", "-nologo");
            var notebook = folder.Write("notebook.dib", System.Text.Encoding.UTF8.GetBytes(Regex.Replace(Read("samples", "QuickStart.dib"),
                "#r \"nuget: Schane, [^\"]+\"", $"#r \"nuget: Schane, {version}\"")
                .Replace("/path/to/schane/artifacts", Path.Combine(folder.Path, "feed"), StringComparison.Ordinal)
                .Replace("runs/notebook", Path.Combine(folder.Path, "run"), StringComparison.Ordinal)
                .Replace("TimeSpan.FromMinutes(1)", "TimeSpan.FromSeconds(5)", StringComparison.Ordinal)));
            var ran = Path.Combine(folder.Path, "ran.ipynb");
            Ended(Program!, "--run", notebook, "--exit-after-run", "--output-format", "ipynb", "--output-path", ran);
            var outputs = JsonDocument.Parse(File.ReadAllText(ran)).RootElement.GetProperty("cells").EnumerateArray()
                .SelectMany(cell => cell.TryGetProperty("outputs", out var all) ? all.EnumerateArray().ToArray() : []).ToList();
            Assert.DoesNotContain("error", outputs.Select(output => output.GetProperty("output_type").GetString()));
            Assert.Contains("images that the model had not seen", string.Join('\n', outputs));
            Assert.Contains("parity on 64 images", string.Join('\n', outputs));
        }
        finally
        {
            if (Directory.Exists(Path.Combine(packages, "schane", version)))
                Directory.Delete(Path.Combine(packages, "schane", version), recursive: true);
        }
    }

    private static void Ended(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_ROLL_FORWARD"] = "LatestMajor";         // the tool is built for an earlier runtime
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0,
            $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {output}{errors.Result}");
    }
}
