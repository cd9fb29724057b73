using System.Diagnostics;

namespace Schane.Tests.Cli.Terminals;

/// <summary>Runs the program on a terminal of tmux, which shows what a person would see.</summary>
internal static class Tmux
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "tmux")).FirstOrDefault(File.Exists);

    /// <summary>The lines on the terminal when the program has ended, without empty ones.</summary>
    /// <param name="columns">Width of the terminal.</param>
    /// <param name="folder">Folder in which the program runs.</param>
    /// <param name="arguments">Words after <c>schane</c>, for a shell.</param>
    public static IReadOnlyList<string> Run(int columns, string folder, string arguments)
    {
        var server = $"schane-{Guid.NewGuid():N}";
        var done = Path.Combine(folder, "done");
        File.Delete(done);
        Call(server, "new-session", "-d", "-x", $"{columns}", "-y", "200", "-c", folder,
            $"'{SchaneProgram.File}' {arguments}; touch done; sleep 600");
        try
        {
            for (var watch = Stopwatch.StartNew(); !File.Exists(done); Thread.Sleep(50))
                Assert.True(watch.Elapsed < Patience, $"The program did not end; it shows: {Call(server, "capture-pane", "-p")}");
            Thread.Sleep(100);
            return Call(server, "capture-pane", "-p", "-S", "-").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            Call(server, "kill-server");
        }
    }

    private static string Call(string server, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Program!, ["-u", "-L", server, "-f", "/dev/null", .. arguments]) { RedirectStandardOutput = true };
        start.Environment.Remove("TMUX");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
