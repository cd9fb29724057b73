using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Schane.Server;
using Schane.Tests.Cli;
using Schane.Tests.Inference;
using Schane.Tests.Samples;
using YamlDotNet.Serialization;

namespace Schane.Tests.Server;

/// <summary>deploy/Dockerfile and compose.yaml, as far as they can be tried without a builder: by what they must say, and by running what
/// they run.</summary>
[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class ContainerTests(TrainedRun run)
{
    private static readonly string Root = ReadmeTests.Root();

    /// <summary>An instruction a line.</summary>
    private static readonly string Dockerfile =
        Regex.Replace(File.ReadAllText(Path.Combine(Root, "deploy", "Dockerfile")), @"\\\n\s*", "");

    [Fact]
    public void Stages_are_pinned_run_without_root_and_copy_what_is_there()
    {
        var stages = Regex.Matches(Dockerfile, @"(?m)^FROM (\S+) AS (\w+)$")
            .ToDictionary(m => m.Groups[2].Value, m => m.Groups[1].Value);
        Assert.Equal(["base", "build", "serve", "train"], stages.Keys.Order());
        Assert.All(stages.Values.Where(from => !stages.ContainsKey(from)),
            from => Assert.Matches(@"^mcr\.microsoft\.com/\S+:10\.0-", from));
        Assert.All(["serve", "train"], stage => Assert.Equal("base", stages[stage]));
        Assert.Matches(@"(?m)^USER 1654:1654$", Dockerfile);
        Assert.DoesNotMatch(@"(?m)^(ADD|USER root|USER 0)", Dockerfile);
        var project = Regex.Match(Dockerfile, @"dotnet publish (\S+)").Groups[1].Value;
        Assert.True(File.Exists(Path.Combine(Root, project, "Schane.Cli.csproj")));
    }

    [Fact]
    public void Its_command_lines_have_verbs_and_flags_that_the_help_knows()
    {
        foreach (var line in (string[][])[Json("CMD", 0), [.. Json("ENTRYPOINT", 1)[2..], .. Json("CMD", 1)]])
        {
            var help = SchaneProgram.Run(line[0], "--help").Done().Output;
            Assert.All(line.Where(word => word.StartsWith("--", StringComparison.Ordinal)), flag => Assert.Contains($"  {flag} ", help));
        }
    }

    [Fact]
    public void Compose_gives_no_rights_that_are_not_needed()
    {
        var services = (Dictionary<object, object>)new DeserializerBuilder().Build()
            .Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(Root, "deploy", "compose.yaml")))["services"];
        Assert.Equal(["serve", "train"], services.Keys.Select(k => $"{k}").Order());
        Assert.All(services.Values.Cast<Dictionary<object, object>>(), service =>
        {
            Assert.Equal("true", service["read_only"]);
            Assert.Equal(["ALL"], (List<object>)service["cap_drop"]);
            Assert.Contains("no-new-privileges:true", (List<object>)service["security_opt"]);
        });
    }

    [Fact]
    public async Task The_health_check_says_whether_the_server_answers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The health check is of a Linux image.");
        var options = new ServeOptions { Run = run.Folder, Port = 0, Address = IPAddress.Any, ApiKey = "a key that it does not know" };
        await using var server = await PredictionServer.StartAsync(options, TestContext.Current.CancellationToken);
        var check = JsonSerializer.Deserialize<string[]>(Regex.Match(Dockerfile, @"HEALTHCHECK .*CMD (\[.*\])").Groups[1].Value)!;
        async Task<int> Ends(int port)
        {
            var start = new ProcessStartInfo(check[0], check[1..].Select(word => word.Replace("8080", $"{port}")))
            { RedirectStandardError = true };
            using var process = Process.Start(start)!;
            await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        Assert.Equal(0, await Ends(server.Address.Port));
        Assert.NotEqual(0, await Ends(1));
    }

    private static string[] Json(string instruction, int place) => JsonSerializer.Deserialize<string[]>(
        Regex.Matches(Dockerfile, $@"(?m)^{instruction} (\[.*\])$")[place].Groups[1].Value)!;
}
