namespace Schane.Cli;

/// <summary>This program, to start it again.</summary>
internal static class Itself
{
    /// <summary>Its command line: its own file, or dotnet and what that runs.</summary>
    public static IReadOnlyList<string> Command { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0]] : [Environment.ProcessPath!];
}
