using System.Diagnostics;
using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Schane.Tests.Inference;

namespace Schane.Tests.Samples;

/// <summary>Both packages, made, installed from a folder and used from outside the repository.</summary>
[Collection(TrainedRunTests.Name)]
[Trait("Slow", "1")]
[Trait("Long", "1")]
public sealed class PackageTests(TrainedRun run) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("schane-packages-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_library_package_has_what_it_should_and_a_new_project_predicts_with_it()
    {
        var root = ReadmeTests.Root();
        Dotnet(root, "pack", "src/Schane", "-c", "Release", "-o", Path.Combine(folder, "feed"), "-v", "quiet", "-nologo");
        var package = Assert.Single(Directory.GetFiles(Path.Combine(folder, "feed"), "Schane.*.nupkg"));
        using (var zip = ZipFile.OpenRead(package))
        {
            var names = zip.Entries.Select(e => e.FullName).ToList();
            Assert.Empty(
                ((string[])["README.md", "LICENSE", "icon.png", "lib/net10.0/Schane.dll", "lib/net10.0/Schane.xml"]).Except(names));
            Assert.InRange(new FileInfo(package).Length, 1, 16 << 20);    // neither libtorch nor ONNX Runtime
            using var about = zip.GetEntry("Schane.nuspec")!.Open();
            var metadata = XDocument.Load(about).Root!.Elements().First().Elements().ToDictionary(e => e.Name.LocalName, e => e.Value);
            Assert.Equal(("README.md", "icon.png", "MIT"), (metadata["readme"], metadata["icon"], metadata["license"]));
            using var assembly = zip.GetEntry("lib/net10.0/Schane.dll")!.Open();
            IsReproducibleAndCarriesItsSources(assembly);
        }
        var version = Path.GetFileNameWithoutExtension(package)["Schane.".Length..];
        Write("nuget.config",
            $"""<configuration><packageSources><add key="here" value="{folder}/feed" /></packageSources></configuration>""");
        Write("app/app.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
                <RestorePackagesPath>{folder}/packages</RestorePackagesPath>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible></PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Schane" Version="{version}" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
                <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" />
              </ItemGroup>
            </Project>
            """);
        Write("app/Program.cs", """
            using var classifier = Schane.Inference.Classifier.Load(args[0]);
            Schane.Jobs.ExportJob.Run(args[0], args[2], force: true);
            using var exported = Schane.Inference.Classifier.Load(args[2]);
            Console.WriteLine($"{classifier.Predict(args[1]).Class} {exported.Predict(args[1]).Class}");
            """);
        // What Schane itself was restored from serves here too, so that libtorch's 600 MB are linked and not fetched again.
        var fallback = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Dotnet(Path.Combine(folder, "app"), "build", "-c", "Release", "-v", "quiet", "-nologo", "-o", Path.Combine(folder, "out"),
            $"-p:RestoreFallbackFolders={fallback}");
        string[] call = [Path.Combine(folder, "out", "app.dll"), run.Folder, run.Red, Path.Combine(folder, "colours.onnx")];
        Assert.Equal("red red", Dotnet(folder, call).Trim());

        File.Delete(Directory.GetFiles(Path.Combine(folder, "out"), "libtorch_cpu.so", SearchOption.AllDirectories).Single());
        var (code, said) = Ended(folder, call);
        Assert.NotEqual(0, code);
        Assert.Contains("libtorch-cpu-linux-x64", said);                  // what a program that forgot it has to reference
    }

    [Fact]
    public void The_tool_package_installs_from_a_folder_and_predicts()
    {
        var feed = Path.Combine(folder, "feed");
        Dotnet(ReadmeTests.Root(), "pack", "src/Schane.Cli", "-c", "Release", "-o", feed, "-v", "quiet", "-nologo");
        var version = Path.GetFileNameWithoutExtension(
            Assert.Single(Directory.GetFiles(feed, "Schane.Tool.*.nupkg")))["Schane.Tool.".Length..];
        Write("nuget.config",
            $"""<configuration><packageSources><clear /><add key="here" value="{feed}" /></packageSources></configuration>""");
        Dotnet(folder, "tool", "install", "Schane.Tool", "--tool-path", Path.Combine(folder, "tools"), "--version", version, "--configfile",
            Path.Combine(folder, "nuget.config"));
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(folder, "tools",
            OperatingSystem.IsWindows() ? "schane.exe" : "schane"), ["predict", run.Folder, run.Red, "--csv", "--top", "1"])
        { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.StartsWith($"{run.Red},red,red,", output.Split('\n')[1]);
    }

    [Fact]
    public void The_package_of_weights_puts_them_beside_a_program_which_finds_them_without_a_network()
    {
        var feed = Path.Combine(folder, "feed");
        foreach (var project in (string[])["src/Schane", "src/Schane.Weights.ResNet20"])
            Dotnet(ReadmeTests.Root(), "pack", project, "-c", "Release", "-o", feed, "-v", "quiet", "-nologo");
        var package = Assert.Single(Directory.GetFiles(feed, "Schane.Weights.ResNet20.*.nupkg"));
        Assert.InRange(new FileInfo(package).Length, 20_000_000, 35_000_000);
        using (var zip = ZipFile.OpenRead(package))
            Assert.Empty(((string[])["README.md", "LICENSE", "weights/resnet20_cntk.safetensors", "notices/LICENSE",
                "notices/THIRD-PARTY-NOTICES.TXT", "build/Schane.Weights.ResNet20.targets"])
                .Except(zip.Entries.Select(e => e.FullName)));
        var version = Path.GetFileNameWithoutExtension(package)["Schane.Weights.ResNet20.".Length..];
        Write("nuget.config", $"""<configuration><packageSources><add key="here" value="{feed}" /></packageSources></configuration>""");
        Write("app/app.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings>
                <RestorePackagesPath>{folder}/packages</RestorePackagesPath>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible></PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Schane" Version="{version}" />
                <PackageReference Include="Schane.Weights.ResNet20" Version="{version}" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
              </ItemGroup>
            </Project>
            """);
        Write("app/Program.cs", """
            var recipe = new Schane.Recipes.Recipe { Model = "resnet20_cntk", Weights = "embedded", Data = args[0],
                InputSize = 32, ImagesPerClass = 2, Steps = 1 };
            Schane.Jobs.TrainJob.Run(recipe, new() { Folder = args[1] + "/run", Hub = new() { CacheFolder = args[1], Offline = true } });
            using var classifier = Schane.Inference.Classifier.Load(args[1] + "/run");
            Console.WriteLine(classifier.EmbeddingWidth);
            """);
        var fallback = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Dotnet(Path.Combine(folder, "app"), "build", "-c", "Release", "-v", "quiet", "-nologo", "-o", Path.Combine(folder, "out"),
            $"-p:RestoreFallbackFolders={fallback}");
        Assert.Equal("512", Dotnet(folder, Path.Combine(folder, "out", "app.dll"), run.Data, Path.Combine(folder, "cache")).Trim());
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private static void IsReproducibleAndCarriesItsSources(Stream assembly)
    {
        using var bytes = new MemoryStream();
        assembly.CopyTo(bytes);
        bytes.Position = 0;
        using var file = new PEReader(bytes);
        var entries = file.ReadDebugDirectory();
        Assert.Contains(entries, e => e.Type == DebugDirectoryEntryType.Reproducible);
        using var symbols = file.ReadEmbeddedPortablePdbDebugDirectoryData(
            entries.Single(e => e.Type == DebugDirectoryEntryType.EmbeddedPortablePdb));
        var reader = symbols.GetMetadataReader();
        var embedded = new Guid("0E8A571B-6926-466E-B4AD-8AB04611F5FE");   // a source in the symbols, by the format of portable symbols
        Assert.True(reader.Documents.Count > 200);
        foreach (var document in reader.Documents)
        {
            Assert.StartsWith("/src/Schane/", reader.GetString(reader.GetDocument(document).Name));
            Assert.Contains(reader.GetCustomDebugInformation(document),
                i => reader.GetGuid(reader.GetCustomDebugInformation(i).Kind) == embedded);
        }
    }

    private static string Dotnet(string where, params string[] arguments)
    {
        var (code, said) = Ended(where, arguments);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)} ended with {code}: {said}");
        return said;
    }

    private static (int Code, string Said) Ended(string where, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments)
        { WorkingDirectory = where, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
