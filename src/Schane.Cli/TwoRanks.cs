using System.Diagnostics;
using System.Text.Json;

namespace Schane.Cli;

/// <summary>Starts this program twice with the machine's mpirun, to see whether two processes can talk.</summary>
internal static class TwoRanks
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>The outcome in words; null where there is no mpirun.</summary>
    public static string? Try()
    {
        var launcher = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).SelectMany(folder =>
            (string[])[Path.Combine(folder, "mpirun"), Path.Combine(folder, "mpiexec.exe")]).FirstOrDefault(File.Exists);
        if (launcher is null)
            return null;
        var start = new ProcessStartInfo(launcher, ["-np", "2", .. Itself.Command, "doctor", "--json"])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        // Open MPI's own: as root, and with fewer cores than processes.
        foreach (var name in (string[])["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe",
            "PRTE_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM"])
            start.Environment[name] = "1";
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            return $"no: {launcher} did not end within {Patience.TotalMinutes:0} minute";
        }
        if (process.ExitCode != 0)
        {
            var error = errors.Result.Split('\n').FirstOrDefault(line => line.StartsWith("error: ", StringComparison.Ordinal));
            return $"no: {error ?? $"{launcher} ended with {process.ExitCode}"}";
        }
        using var talk = JsonDocument.Parse(output.Result);
        return $"talk over {talk.RootElement.GetProperty("engine").GetString()}: " +
            $"{talk.RootElement.GetProperty("microseconds").GetDouble():0} µs for a number, " +
            $"{talk.RootElement.GetProperty("gigabytes_per_second").GetDouble():0.0} GB/s for a large tensor";
    }
}
