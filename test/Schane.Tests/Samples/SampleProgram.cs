using System.Diagnostics;

namespace Schane.Tests.Samples;

/// <summary>A program of samples/, run as a user runs it.</summary>
internal static class SampleProgram
{
    /// <summary>What it wrote to standard output; it must end well.</summary>
    public static string Run(string name, params string[] arguments)
    {
        var file = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? $"{name}.exe" : name);
        using var program = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true })!;
        var told = program.StandardOutput.ReadToEnd();
        program.WaitForExit();
        Assert.Equal(0, program.ExitCode);
        return told;
    }
}
