using System.Globalization;
using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>
/// How OpenMP's threads wait for each other, and how many there are where nobody says it. libgomp's threads spin for some milliseconds
/// before they sleep, which costs nothing on an
/// idle machine and several times the speed where other work shares the cores: a spinning thread keeps the core from the one it waits
/// for. With a short spin they keep up on the
/// one and yield on the other (docs/performance.md). libgomp reads its settings once, when it loads, from the C environment.
/// </summary>
internal static class OpenMp
{
    /// <summary>The variable of the OpenMP standard, and libgomp's own, which is the finer one.</summary>
    internal const string Policy = "OMP_WAIT_POLICY", SpinCount = "GOMP_SPINCOUNT";

    /// <summary>Turns of the waiting loop, some microseconds: as long as the threads of one operation are apart.</summary>
    internal const string Spins = "1000";

    /// <summary>OpenMP's variable for the number of threads, and MKL's, which libtorch follows too.</summary>
    internal const string Threads = "OMP_NUM_THREADS", MklThreads = "MKL_NUM_THREADS";

    /// <summary>How threads wait in this process and who decided it, for people.</summary>
    internal static string Waiting { get; private set; } = "as the OpenMP library lets them";

    /// <summary>Whether libgomp had loaded, with its own settings, before Schane could give it any.</summary>
    internal static bool CameTooLate { get; private set; }

    /// <summary>Gives libgomp its settings, those of the user left alone. Once per process, before torch loads.</summary>
    internal static void Configure()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var users = ((string[])[Policy, SpinCount])
            .Where(name => Environment.GetEnvironmentVariable(name) is not null)
                .Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}").FirstOrDefault();
        CameTooLate = IsLoaded();
        Waiting = users is not null ? $"as you set it: {users}"
            : CameTooLate ? $"as libgomp lets them by itself: it had loaded before Schane; set {SpinCount}={Spins} where the program starts"
            : SetVariable(SpinCount, Spins, 1) == 0 ? $"asleep after a short spin: {SpinCount}={Spins}, set by Schane" : Waiting;
        // libtorch takes as many threads as there are processors, whatever time a control group gives it.
        if (!CameTooLate && ((string[])[Threads, MklThreads]).All(name => Environment.GetEnvironmentVariable(name) is null)
            && new ControlGroup().Processors() is { } quota && quota <= Environment.ProcessorCount)
            _ = SetVariable(Threads, ComputeThreads.For().Count.ToString(CultureInfo.InvariantCulture), 1);
    }

    private static bool IsLoaded() =>
        File.Exists("/proc/self/maps")
            && File.ReadLines("/proc/self/maps").Any(line => line.Contains("/libgomp", StringComparison.Ordinal));

    // .NET's own SetEnvironmentVariable changes .NET's copy alone, which native libraries do not see.
    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetVariable(string name, string value, int overwrite);
}
