using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>Runs the real built program as people do, with stdout and stderr apart.</summary>
internal sealed class SchaneProgram : IDisposable
{
    public static readonly string File = Path.Combine(AppContext.BaseDirectory,
        OperatingSystem.IsWindows() ? "Schane.Cli.exe" : "Schane.Cli");

    // A second on an idle machine, a minute where many share the cores.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly StringBuilder output = new(), errors = new();
    private readonly Process process;

    private SchaneProgram(IEnumerable<string> arguments, string? folder, string? program = null,
        IEnumerable<(string Name, string Value)>? environment = null, string input = "")
    {
        var start = new ProcessStartInfo(program ?? File, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach (var name in (string[])["NO_COLOR", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
            start.Environment.Remove(name);
        start.Environment["TERM"] = "xterm-256color";
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.OutputDataReceived += (_, line) => Take(output, line.Data);
        process.ErrorDataReceived += (_, line) => Take(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => process.Id;

    /// <summary>What it has written to stderr up to now.</summary>
    public string Errors
    {
        get { lock (errors) return errors.ToString(); }
    }

    /// <summary>Starts it and leaves it running.</summary>
    public static SchaneProgram Start(string? folder, params string[] arguments) => new(arguments, folder);

    /// <summary>Starts it with more variables in its environment and leaves it running.</summary>
    public static SchaneProgram StartWith((string Name, string Value)[] environment, params string[] arguments) =>
        new(arguments, null, environment: environment);

    /// <summary>Runs it to its end in the system's folder for temporary files.</summary>
    public static Ended Run(params string[] arguments) => RunIn(null, arguments);

    /// <summary>Runs it to its end in a folder.</summary>
    public static Ended RunIn(string? folder, params string[] arguments)
    {
        using var program = new SchaneProgram(arguments, folder);
        return program.End();
    }

    /// <summary>Runs it to its end with more variables in its environment.</summary>
    public static Ended RunWith((string Name, string Value)[] environment, params string[] arguments)
    {
        using var program = new SchaneProgram(arguments, null, environment: environment);
        return program.End();
    }

    /// <summary>Runs it to its end with something on stdin.</summary>
    public static Ended RunWithInput(string input, params string[] arguments)
    {
        using var program = new SchaneProgram(arguments, null, input: input);
        return program.End();
    }

    /// <summary>Runs a copy that has no libraries but its own, Schane's and <paramref name="libraries"/>.</summary>
    public static Ended RunWithOnly(string[] libraries, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["Schane.Cli.dll", "Schane.Cli.runtimeconfig.json", "Schane.dll",
            Path.GetFileName(File), .. libraries])
            System.IO.File.Copy(Path.Combine(AppContext.BaseDirectory, name), Path.Combine(folder.Path, name));
        using var program = new SchaneProgram(arguments, folder.Path, Path.Combine(folder.Path, Path.GetFileName(File)));
        return program.End();
    }

    /// <summary>Waits until stderr says <paramref name="words"/>.</summary>
    public void WaitFor(string words) => WaitUntil(() => Errors.Contains(words, StringComparison.Ordinal), $"it said '{words}'");

    /// <summary>Waits until something is so, while it runs.</summary>
    public void WaitUntil(Func<bool> condition, string what)
    {
        for (var watch = Stopwatch.StartNew(); !condition(); Thread.Sleep(5))
            if (process.HasExited || watch.Elapsed > Patience)
                Assert.Fail($"The program ended or waited too long before {what}; it had said: {Errors}");
    }

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasEnded => process.HasExited;

    /// <summary>Ends it as a power cut would: SIGKILL, which no program sees.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public void Signal(PosixSignal signal) =>
        Assert.Equal(0, Kill(process.Id, signal == PosixSignal.SIGINT ? 2 : 15));

    /// <summary>Waits for its end.</summary>
    public Ended End()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"The program did not end within {Patience.TotalMinutes} minutes; it had said: {Errors}");
        }
        process.WaitForExit();
        return new(process.ExitCode, output.ToString(), Errors);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.Dispose();
    }

    private static void Take(StringBuilder text, string? line)
    {
        lock (text)
            if (line is not null)
                text.Append(line).Append('\n');
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}

/// <summary>How the program ended.</summary>
internal sealed record Ended(int ExitCode, string Output, string Errors)
{
    /// <summary>The one sentence of a refusal, after checking that it is one and that nothing else was printed on stdout.</summary>
    public string Refusal(int exitCode = 2)
    {
        Assert.True(ExitCode == exitCode, $"The exit code is {ExitCode}, not {exitCode}; stderr: {Errors}");
        Assert.Empty(Output);
        Assert.DoesNotContain("   at ", Errors);
        return Assert.Single(Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => line.StartsWith("error: ", StringComparison.Ordinal))["error: ".Length..];
    }

    /// <summary>The one JSON document on stdout.</summary>
    public JsonElement Document() => JsonDocument.Parse(Output).RootElement;

    /// <summary>Stops with everything the program said unless it ended well.</summary>
    public Ended Done()
    {
        Assert.True(ExitCode == 0, $"The exit code is {ExitCode}; stderr: {Errors}");
        return this;
    }
}
