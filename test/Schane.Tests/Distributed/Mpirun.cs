using System.Diagnostics;
using Schane.Tests.Cli;
using Schane.Tests.Support;

namespace Schane.Tests.Distributed;

/// <summary>Starts ranks with a real launcher; tests that need one that is not installed are skipped and say so.</summary>
internal sealed class Mpirun : IDisposable
{
    private static readonly Dictionary<string, string[]> Flags = new()
    {
        ["openmpi"] = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader",
            "--mca", "oob_tcp_if_include", "lo"],
        ["mpich"] = ["-host", "localhost"],
    };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process process;
    private readonly Task<string> output, errors;

    private Mpirun(string kind, int ranks, string program, IEnumerable<string> arguments,
        (string Name, string Value)[] environment, string? folder)
    {
        var start = new ProcessStartInfo(Launcher(kind)!, [.. Flags[kind], "-np", $"{ranks}", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        process = Process.Start(start)!;
        (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
    }

    /// <summary>The launchers, for theories.</summary>
    public static TheoryData<string> Kinds => [.. Both.Select(kind => new TheoryDataRow<string>(kind).WithTrait(Needs.Trait, kind))];

    /// <summary>Each launcher with each number of ranks.</summary>
    public static TheoryData<string, int> Worlds(params int[] ranks) =>
        [.. Both.SelectMany(kind => ranks.Select(count => new TheoryDataRow<string, int>(kind, count).WithTrait(Needs.Trait, kind)))];

    /// <summary>The launchers.</summary>
    public static IReadOnlyList<string> Both { get; } = [Needs.OpenMpi, Needs.Mpich];

    /// <summary>Skips the test where that launcher is not installed.</summary>
    public static void Require(string kind) =>
        Assert.SkipWhen(Launcher(kind) is null, $"There is no mpirun.{kind}.");

    /// <summary>Runs a task of <see cref="RankProgram"/> in several ranks to its end.</summary>
    public static Ended Run(string kind, int ranks, string[] task, params (string Name, string Value)[] environment)
    {
        using var job = Start(kind, ranks, task, environment);
        return job.End();
    }

    /// <summary>Runs schane in several ranks to its end.</summary>
    public static Ended Schane(string kind, int ranks, string? folder, string[] arguments, params (string Name, string Value)[] environment)
    {
        Require(kind);
        using var job = new Mpirun(kind, ranks, SchaneProgram.File, arguments, environment, folder);
        return job.End();
    }

    /// <summary>Starts a task and leaves it running.</summary>
    public static Mpirun Start(string kind, int ranks, string[] task, params (string Name, string Value)[] environment)
    {
        Require(kind);
        return new(kind, ranks, Path.Combine(AppContext.BaseDirectory, "Schane.Tests"), ["rank", .. task], environment, null);
    }

    public Ended End()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The job did not end within {Patience.TotalMinutes} minutes.");
        }
        return new(process.ExitCode, output.Result, errors.Result);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    internal static string? Launcher(string kind) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Select(folder => Path.Combine(folder, $"mpirun.{kind}")).FirstOrDefault(File.Exists);
}
