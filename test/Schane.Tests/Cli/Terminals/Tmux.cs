using System.Diagnostics;

namespace Schane.Tests.Cli.Terminals;

/// <summary>Runs the program on a terminal of tmux, which shows what a person would see.</summary>
internal static class Tmux
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "tmux")).FirstOrDefault(File.Exists);

    private const string End = "it-has-ended";

    /// <summary>The lines on the terminal when the program has ended, without empty ones.</summary>
    /// <param name="columns">Width of the terminal.</param>
    /// <param name="folder">Folder in which the program runs.</param>
    /// <param name="arguments">Words after <c>schane</c>, for a shell.</param>
    public static IReadOnlyList<string> Run(int columns, string folder, string arguments)
    {
        var server = $"schane-{Guid.NewGuid():N}";
        Call(server, "new-session", "-d", "-x", $"{columns}", "-y", "200", "-c", folder,
            $"'{SchaneProgram.File}' {arguments}; echo {End}; sleep 600");
        try
        {
            for (var watch = Stopwatch.StartNew(); ; Thread.Sleep(50))
            {
                var lines = Call(server, "capture-pane", "-p", "-S", "-").Split('\n', StringSplitOptions.RemoveEmptyEntries);
                if (lines is [.. var shown, End])
                    return shown;
                Assert.True(watch.Elapsed < Patience, $"The program did not end; it shows: {string.Join('\n', lines)}");
            }
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
