using System.Diagnostics;
using System.Text.Json;
using Schane.Tensors;
using Schane.Tests.Cli;
using Schane.Tests.Support;

namespace Schane.Tests.Tensors;

/// <summary>The number of threads, and how they wait.</summary>
[Trait("Long", "1")]
public class ComputeThreadsTests
{
    [Theory]
    [InlineData(8, null, 1, 8)]
    [InlineData(8, null, 3, 2)]                                           // three ranks on eight processors
    [InlineData(2, null, 4, 1)]
    [InlineData(1, null, 1, 1)]
    [InlineData(8, 1.5, 1, 2)]                                            // a container of 1.5 processors
    [InlineData(8, 0.5, 1, 1)]
    [InlineData(8, 4.0, 2, 2)]
    [InlineData(2, 16.0, 1, 2)]                                           // a limit above the machine
    public void Threads_are_the_processors_that_may_be_used_shared_out(int processors, double? quota, int sharers, int threads) =>
        Assert.Equal(threads, ComputeThreads.For(null, sharers, processors, quota, null).Count);

    [Fact]
    public void What_the_user_says_goes_before_what_the_machine_offers()
    {
        Assert.Equal(new ComputeThreads(5, "as told"), ComputeThreads.For(5, 2, 8, 1.5, "3"));
        Assert.Equal(new ComputeThreads(3, "OMP_NUM_THREADS=3"), ComputeThreads.For(null, 2, 8, 1.5, "3"));
        Assert.Equal(8, ComputeThreads.For(null, 1, 8, null, "many").Count);
        Assert.Equal("8 processors limited to the time of 1.5, shared by 2", ComputeThreads.For(null, 2, 8, 1.5, null).Why);
    }

    [Theory, Needs(Needs.ControlGroups)]
    [InlineData(0.9, 1)]
    [InlineData(1.5, 2)]
    public void Training_in_a_control_group_takes_the_threads_that_its_quota_is_for(double processors, int threads)
    {
        threads = Math.Min(threads, Environment.ProcessorCount);
        using var group = RealControlGroup.Of(processors);
        using var photos = Photos.OfTwoClasses();
        string[] line = photos.Train("--steps", "1", "--json");
        var told = Array.IndexOf(line, "--threads");
        Assert.Equal(0, group.Run(SchaneProgram.File, [.. line[..told], .. line[(told + 2)..]]).ExitCode);
        var start = File.ReadLines(Path.Combine(photos.Run, "journal.jsonl"))
            .First(line => line.Contains("\"threads\"", StringComparison.Ordinal));
        Assert.Contains($"\"threads\":{threads},", start);
    }

    [Fact, Needs(Needs.ControlGroups)]
    [Trait("Slow", "1")]
    public void The_doctor_shows_the_quota_and_the_threads_that_it_is_for()
    {
        using var group = RealControlGroup.Of(processors: 1.5);
        var shown = JsonDocument.Parse(group.Run(SchaneProgram.File, "doctor", "--json").Output).RootElement;
        Assert.Equal(1.5, shown.GetProperty("machine").GetProperty("processor_limit").GetDouble());
        Assert.Equal(Math.Min(2, Environment.ProcessorCount), shown.GetProperty("torch").GetProperty("threads").GetInt32());
    }

    [Fact]
    public void Waiting_threads_of_a_program_sleep_unless_the_user_decides()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libgomp is of Linux.");
        Assert.Contains($"GOMP_SPINCOUNT = '{WaitingThreads.Short}'", SettingsOfLibgomp());
        Assert.Contains("GOMP_SPINCOUNT = '30000000000'", SettingsOfLibgomp((OpenMp.Policy, "ACTIVE")));
        Assert.Contains("GOMP_SPINCOUNT = '7'", SettingsOfLibgomp((OpenMp.SpinCountName, "7")));
    }

    [Fact]
    public void The_tests_themselves_came_in_time() => Assert.False(OpenMp.CameTooLate);

    /// <summary>What libgomp says that it read, in a program that uses the library.</summary>
    private static string SettingsOfLibgomp(params (string Name, string Value)[] users)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Schane.Tests"), ["rank", "collectives"])
        {
            RedirectStandardError = true,
        };
        start.Environment["OMP_DISPLAY_ENV"] = "VERBOSE";
        foreach (var name in (string[])[OpenMp.Policy, OpenMp.SpinCountName])
            start.Environment.Remove(name);
        foreach (var (name, value) in users)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return said;
    }
}

/// <summary>A control group of this machine, made for a test.</summary>
internal sealed class RealControlGroup : IDisposable
{
    private readonly string folder;

    private RealControlGroup(string folder) => this.folder = folder;

    private static readonly bool first = Directory.Exists("/sys/fs/cgroup/cpu");

    /// <summary>Whether one can be made here.</summary>
    public static bool CanBeMade()
    {
        try
        {
            using var made = Of(1);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>One that limits processor time.</summary>
    public static RealControlGroup Of(double processors)
    {
        const int period = 100_000;
        var made = new RealControlGroup($"/sys/fs/cgroup/{(first ? "cpu/" : "")}schane-test-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(made.folder);
            File.WriteAllText(Path.Combine(made.folder, first ? "cpu.cfs_quota_us" : "cpu.max"),
                first ? $"{processors * period:0}" : $"{processors * period:0} {period}");
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Runs a program in it to its end.</summary>
    public (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", folder, program, .. arguments])
        { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    public void Dispose()
    {
        for (var tries = 0; tries < 50; tries++)                          // the kernel takes a moment to see that a process has gone
            try
            {
                if (Directory.Exists(folder))
                    Directory.Delete(folder);
                return;
            }
            catch (IOException)
            {
                Thread.Sleep(20);
            }
    }
}
