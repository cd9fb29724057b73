using System.Diagnostics;

namespace Schane.Cli;

/// <summary>This program, to start it again.</summary>
internal static class Itself
{
    /// <summary>Its command line: its own file, or dotnet and what that runs.</summary>
    public static IReadOnlyList<string> Command { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0]] : [Environment.ProcessPath!];

    /// <summary>Time since it was started, which a busy machine makes seconds; none where clocks say what can't be.</summary>
    public static TimeSpan Age()
    {
        using var own = Process.GetCurrentProcess();
        var age = DateTime.Now - own.StartTime;
        return age > TimeSpan.Zero && age < TimeSpan.FromMinutes(1) ? age : TimeSpan.Zero;
    }
}
