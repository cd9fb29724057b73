using System.Globalization;
using System.Runtime.InteropServices;

namespace Schane.Distributed;

/// <summary>One GPU for each rank of a machine: the one of its number there, by the variable that CUDA reads when it starts.</summary>
internal static class LocalGpu
{
    private const string Visible = "CUDA_VISIBLE_DEVICES";
    private static readonly string[] Numbers = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"];

    /// <summary>Leaves this process the GPU that is its own, before CUDA starts. Where it sees one or none there
    /// is nothing to choose.</summary>
    public static void Take()
    {
        var devices = Directory.Exists("/dev")
            ? Directory.EnumerateFiles("/dev", "nvidia*").Count(file => int.TryParse(Path.GetFileName(file)["nvidia".Length..], out _)) : 0;
        if (Choose(Environment.GetEnvironmentVariable, devices) is { } own && SetVariable(Visible, own, 1) == 0)
            Environment.SetEnvironmentVariable(Visible, own);             // .NET keeps a copy of its own
    }

    /// <summary>What <c>CUDA_VISIBLE_DEVICES</c> should say; null where it may stay as it is.</summary>
    /// <param name="environment">Environment variables.</param>
    /// <param name="devices">GPUs of the machine.</param>
    internal static string? Choose(Func<string, string?> environment, int devices)
    {
        var seen = environment(Visible) is { } listed
            ? listed.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : [.. Enumerable.Range(0, devices).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        var number = Numbers.Select(environment).FirstOrDefault(n => n is not null);
        return seen.Length > 1 && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var local)
            ? seen[local % seen.Length] : null;
    }

    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetVariable(string name, string value, int overwrite);
}
