using System.Diagnostics;

namespace Schane.Tests.Cli.Terminals;

/// <summary>Runs the program on a terminal made by util-linux's <c>script</c>.</summary>
internal static class Pty
{
    public static (int ExitCode, string Screen) Run(params string[] arguments)
    {
        var line = string.Join(' ', arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "Schane.Cli")).Select(a => $"'{a}'"));
        var start = new ProcessStartInfo("/usr/bin/script", ["-qefc", $"stty cols 160; {line}", "/dev/null"])
        { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment["TERM"] = "xterm-256color";
        using var process = Process.Start(start)!;
        var screen = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, screen);
    }
}
