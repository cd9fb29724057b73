using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Schane.Checkpoints.Hub;
using Schane.Runs;

namespace Schane.Jobs.Studies;

/// <summary>Makes runs in processes of their own, which <see cref="StudyRun"/> is the other end of.</summary>
/// <param name="command">Command line that starts <c>schane</c>.</param>
/// <param name="dataRoot">Folder of the named data sets.</param>
/// <param name="hub">Where weights come from.</param>
internal sealed class RunProcess(IReadOnlyList<string> command, string? dataRoot, HubOptions? hub)
{
    private const int Failed = 1, WrongUse = 2, Interrupted = 130, Signalled = 128, Kill = 9;
    private const string ErrorMark = "error: ";

    /// <summary>Makes a run, or goes on with it; null where it diverged and that is tolerated.</summary>
    /// <param name="run">Which.</param>
    /// <param name="tell">Told the share that is done.</param>
    /// <param name="stop">Asks the process to save and end, and waits for it.</param>
    /// <exception cref="SchaneException">The process found its recipe, data or folder wrong, or can't be started.</exception>
    /// <exception cref="IOException">It failed or died.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public RunResults? Make(PlannedRun run, Action<double> tell, CancellationToken stop)
    {
        using var process = Start();
        var last = "";
        process.OutputDataReceived += (_, line) =>
        {
            if (double.TryParse(line.Data, CultureInfo.InvariantCulture, out var share))
                tell(share);
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data) && !last.StartsWith(ErrorMark, StringComparison.Ordinal))
                last = line.Data.Trim();
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var orders = TextWriter.Synchronized(process.StandardInput);
        Try(() =>
        {
            orders.WriteLine(StudyRun.Write(run, dataRoot, hub));
            orders.Flush();
        });
        using (stop.Register(() => Try(orders.Close)))
            process.WaitForExit();
        if (process.ExitCode == 0)
            return run.HasDiverged ? null
                : run.Finished ?? throw new IOException("Its process ended well but left no results.");
        if (process.ExitCode == Interrupted)
            stop.ThrowIfCancellationRequested();
        var reason = last.StartsWith(ErrorMark, StringComparison.Ordinal) ? last[ErrorMark.Length..] : null;
        throw process.ExitCode == WrongUse && reason is not null ? new SchaneException(reason)
            : new IOException(reason ?? Ending(process.ExitCode) + (last.Length > 0 ? $"; it had said: {last}" : "."));
    }

    private static string Ending(int code) => code switch
    {
        Interrupted => "It was told to stop, and has saved",
        Signalled + Kill => "Its process was killed (signal 9), as the system does where memory runs out",
        > Signalled when !OperatingSystem.IsWindows() => $"Its process died of signal {code - Signalled}",
        _ => $"Its process ended with exit code {code}",
    };

    private Process Start()
    {
        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), StudyRun.Verb])
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new SchaneException($"'{command[0]}', which is to make the runs, can't be started ({e.Message.TrimEnd('.')}); name the " +
                "schane command, or make one run at a time.", e);
        }
    }

    // A process that has died reads no more; how it ended says the rest.
    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
        }
    }
}
