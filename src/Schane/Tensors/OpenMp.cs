using System.Globalization;
using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>
/// How OpenMP's threads wait for each other, and how many there are where nobody says it. libgomp reads its settings once, when it loads,
/// from the C environment; how long threads spin is changed afterwards, by <see cref="WaitingThreads"/>.
/// </summary>
internal static class OpenMp
{
    /// <summary>The variable of the OpenMP standard, and libgomp's own, which is the finer one.</summary>
    internal const string Policy = "OMP_WAIT_POLICY", SpinCountName = "GOMP_SPINCOUNT";

    /// <summary>OpenMP's variable for the number of threads, and MKL's, which libtorch follows too.</summary>
    internal const string Threads = "OMP_NUM_THREADS", MklThreads = "MKL_NUM_THREADS";

    private static Func<string> waiting = () => "as the OpenMP library lets them";

    /// <summary>How threads wait in this process and who decided it, for people.</summary>
    internal static string Waiting => waiting();

    /// <summary>Whether libgomp had loaded, with its own settings, before Schane could give it any.</summary>
    internal static bool CameTooLate { get; private set; }

    /// <summary>Gives libgomp its settings, those of the user left alone. Once per process, before torch loads.</summary>
    internal static void Configure()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var users = ((string[])[Policy, SpinCountName])
            .Where(name => Environment.GetEnvironmentVariable(name) is not null)
                .Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}").FirstOrDefault();
        CameTooLate = SpinCount.IsLoaded;
        var turns = CameTooLate ? WaitingThreads.Long : WaitingThreads.Short;
        if (users is not null)
            waiting = () => $"as you set it: {users}";
        else if (CameTooLate || SetVariable(SpinCountName, turns.ToString(CultureInfo.InvariantCulture), 1) == 0)
        {
            WaitingThreads.Watch(turns);
            waiting = () => WaitingThreads.Described;
        }
        // libtorch takes as many threads as there are processors, whatever time a control group gives it.
        if (!CameTooLate && ((string[])[Threads, MklThreads]).All(name => Environment.GetEnvironmentVariable(name) is null)
            && new ControlGroup().Processors() is { } quota && quota <= Environment.ProcessorCount)
            _ = SetVariable(Threads, ComputeThreads.For().Count.ToString(CultureInfo.InvariantCulture), 1);
    }

    // .NET's own SetEnvironmentVariable changes .NET's copy alone, which native libraries do not see.
    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetVariable(string name, string value, int overwrite);
}
