using System.Diagnostics;
using Schane.Tests.Models;
using static TorchSharp.torch;

namespace Schane.Tests.Support;

/// <summary>
/// What a process of its own computes, since the native libraries may be wrong there on purpose and may end it:
/// <c>Schane.Tests native CURE TASK …</c> with a <see cref="CacheCure"/>. A line for each fault; ends with 0, or 1.
/// </summary>
internal static class NativeProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(60);

    private static readonly Dictionary<string, Func<string[], IEnumerable<string>>> Tasks = new()
    {
        ["known"] = _ => RandomShapes.KnownFaults(),
        ["shapes"] = arguments => RandomShapes.Draw(long.Parse(arguments[0]), int.Parse(arguments[1])),
        ["jobs"] = _ => Jobs.RunProofTests.InFaultyProcess(),
        ["models"] = names => names.SelectMany(ModelExactness.Faults),
    };

    public static int Run(string cure, string task, string[] arguments)
    {
        set_num_threads(2);                                               // threads that work side by side, whatever the machine
        if (Enum.Parse<CacheCure>(cure) is not CacheCure.Visible and var wanted)
            HiddenCaches.Plant(wanted);
        var wrong = 0;
        foreach (var line in Tasks[task](arguments))
        {
            Console.WriteLine($"WRONG {line}");
            wrong++;
        }
        return wrong == 0 ? 0 : 1;
    }

    /// <summary>Runs a task in a process of its own, whose heap glibc checks where it can (whole models take twice as long so).</summary>
    public static (int ExitCode, string Output) Start(CacheCure cure, string task, params IEnumerable<string> arguments)
    {
        if (cure != CacheCure.Visible)
            Assert.SkipUnless(HiddenCaches.CanBePlanted, "Hidden caches need AVX-512 and Schane's own build of libtorch.");
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["native", $"{cure}", task, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (OperatingSystem.IsLinux() && task != "models")
        {
            start.Environment["LD_PRELOAD"] = "libc_malloc_debug.so.0";
            start.Environment["MALLOC_CHECK_"] = "3";
        }
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
            process.Kill(entireProcessTree: true);
        process.WaitForExit();
        return (process.ExitCode, output.Result + errors.Result);
    }

    /// <summary>The same, where nothing may be wrong.</summary>
    public static void Pass(CacheCure cure, string task, params IEnumerable<string> arguments)
    {
        var (code, output) = Start(cure, task, arguments);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var wrong = lines.Where(line => line.StartsWith("WRONG", StringComparison.Ordinal)).ToArray();
        Assert.True(code == 0, $"exit code {code}; {string.Join('\n', wrong.Length > 0 ? wrong.Take(20) : lines.TakeLast(5))}");
    }
}
