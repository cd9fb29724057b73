using System.Diagnostics;
using Schane.Tests.Distributed;
using Xunit.v3;

namespace Schane.Tests.Support;

/// <summary>Something of the machine without which a test, or all of a class, is left out: one of <see cref="Needs"/>.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class NeedsAttribute(string need) : Attribute, ITraitAttribute
{
    public string Need { get; } = need;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new(Needs.Trait, Need)];
}

/// <summary>
/// What some tests need that a machine may lack. Tests whose need is missing are not run, and one test for each need says so.
/// </summary>
internal static class Needs
{
    public const string Trait = "Needs";
    public const string Chromium = "chromium", OpenMpi = "openmpi", Mpich = "mpich";
    public const string Omniglot = "omniglot", OnnxChecker = "onnx-checker", TurboJpeg = "turbojpeg";
    public const string ControlGroups = "control-groups", Tmux = "tmux", Notebooks = "dotnet-repl";

    /// <summary>Every need, whether it is there, and how it is had.</summary>
    public static readonly IReadOnlyList<(string Name, Func<bool> IsThere, string WayOut)> All =
    [
        (Chromium, () => Reporting.Chromium.Program is not null, "apt-get install chromium, or name one in SCHANE_CHROMIUM"),
        (OpenMpi, () => Mpirun.Launcher(OpenMpi) is not null, "apt-get install openmpi-bin"),
        (Mpich, () => Mpirun.Launcher(Mpich) is not null, "apt-get install mpich"),
        (Omniglot, HasOmniglot, "put the archives into $SCHANE_DATA/omniglot"),
        (OnnxChecker, HasOnnxChecker, "apt-get install python3-onnx"),
        (TurboJpeg, () => Schane.Data.Reading.TurboJpeg.IsFound, "apt-get install libturbojpeg0"),
        (Tmux, () => Cli.Terminals.Tmux.Program is not null, "apt-get install tmux"),
        (Notebooks, () => Samples.NotebookTests.Program is not null, "dotnet tool install --global dotnet-repl"),
        (ControlGroups, Tensors.RealControlGroup.CanBeMade, "test as root where /sys/fs/cgroup can be written"),
    ];

    /// <summary>
    /// The command line of a test program, without the tests whose needs are missing. One that names its tests otherwise is left as it
    /// is.
    /// </summary>
    public static string[] LeaveOut(string[] arguments)
    {
        if (arguments.Any(a => a is "--filter-query" or "--filter-uid" or "--list-tests" or "-list" or "-filter" or "-id"))
            return arguments;
        var flag = arguments.Any(a => a.StartsWith("--", StringComparison.Ordinal)) ? "--filter-not-trait" : "-trait-";
        var missing = All.Where(need => !need.IsThere());
        return [.. arguments, .. missing.SelectMany(need => (string[])[flag, $"{Trait}={need.Name}"])];
    }

    private static bool HasOmniglot() =>
        Environment.GetEnvironmentVariable("SCHANE_DATA") is { Length: > 0 } root
        && File.Exists(Path.Combine(root, "omniglot", "all_runs.zip"));

    private static bool HasOnnxChecker()
    {
        if (!File.Exists("/usr/bin/python3"))
            return false;
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", "import onnx"]) { RedirectStandardError = true })!;
        python.StandardError.ReadToEnd();
        python.WaitForExit();
        return python.ExitCode == 0;
    }
}

/// <summary>Says once for each need what is left out for want of it.</summary>
public class NeedsTests
{
    public static TheoryData<string> Names => [.. Needs.All.Select(need => need.Name)];

    [Theory, MemberData(nameof(Names))]
    public void What_tests_need_is_here(string need)
    {
        var (_, isThere, wayOut) = Needs.All.Single(n => n.Name == need);
        Assert.SkipUnless(isThere(), $"Tests that need {need} are left out: {wayOut}.");
    }

    [Fact]
    public void Tests_whose_need_is_missing_are_filtered_out_unless_they_are_named()
    {
        var missing = Needs.All.Where(need => !need.IsThere()).Select(need => $"Needs={need.Name}").ToList();
        var left = Needs.LeaveOut(["--server", "--filter-trait", "Slow=1"]).Where(a => a.StartsWith("Needs=", StringComparison.Ordinal));
        Assert.Equal(missing, left);
        Assert.Equal(["--filter-query", "/*/*"], Needs.LeaveOut(["--filter-query", "/*/*"]));
    }
}
