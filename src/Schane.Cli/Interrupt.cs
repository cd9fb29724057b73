using System.Runtime.InteropServices;

namespace Schane.Cli;

/// <summary>Ctrl-C and SIGTERM: the first asks the work to save and stop, a second ends the program at once.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private int signals;

    public Interrupt() => registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
    ];

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref signals) > 1)
        {
            if (Terminal.Redraws)
                Console.Error.Write(Terminal.ClearLine);
            EndNow(Exit.Interrupted);
        }
        source.Cancel();
    }

    /// <summary>Ends the process at once.</summary>
    // Not Environment.Exit: libtorch's destructors must not run while its threads are still computing.
    internal static void EndNow(int code)
    {
        if (OperatingSystem.IsWindows())
            Environment.Exit(code);
        else
            EndProcess(code);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void EndProcess(int code);
}
