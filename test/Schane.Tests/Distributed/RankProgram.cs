using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Schane.Distributed;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

/// <summary>What one rank of a test does: <c>Schane.Tests rank TASK …</c> under mpirun. Ends with 0, or 1 and
/// the reason on stderr.</summary>
internal static class RankProgram
{
    /// <summary>Seconds of the deadline.</summary>
    public const string Deadline = "SCHANE_TEST_DEADLINE";

    private static readonly Dictionary<string, Action<ICollective, string[]>> Tasks = new()
    {
        ["collectives"] = (ranks, _) => CollectiveChecks.Run(ranks),
        ["train"] = Train,
        ["mishap"] = Mishap,
        ["judge"] = (ranks, arguments) => SharedCases.Judge(Path.Combine(arguments[0], $"judged by {ranks.Size}.safetensors"), ranks),
        ["pause"] = Pause,
    };

    public static int Run(string task, string[] arguments)
    {
        set_num_threads(1);
        var deadline = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable(Deadline) ?? "60",
            CultureInfo.InvariantCulture));
        ICollective? ranks = null;
        try
        {
            ranks = Ranks.Join(new RankOptions
            {
                Deadline = deadline, BucketBytes = task == "collectives" ? 4096 : 32768,
                GatheredAtOnce = task == "collectives" ? 1000 : int.MaxValue
            });
            Tasks[task](ranks, arguments);
            ranks.Leave();
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"error: rank {ranks?.Rank} on {ranks?.Hosts[ranks.Rank]}: {e.Message}");
            ranks?.Abort(1);
            return 1;
        }
    }

    private static void Train(ICollective ranks, string[] arguments)
    {
        var (type, folder) = (Enum.Parse<ScalarType>(arguments[0]), arguments[1]);
        foreach (var name in SharedCases.All.Keys)
        {
            SharedCases.Train(name, type, Path.Combine(folder, $"{name}.safetensors"), ranks);
            if (type == ScalarType.Float32)
                SharedCases.Gradient(name, Path.Combine(folder, $"{name} gradient.safetensors"), ranks);
        }
    }

    /// <summary>Rank 0 works for two deadlines while the others wait: with signs of life, as at a checkpoint or a
    /// report, or silently.</summary>
    private static void Pause(ICollective ranks, string[] arguments)
    {
        var pause = 2 * TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable(Deadline)!, CultureInfo.InvariantCulture));
        void Work()
        {
            var watch = Stopwatch.StartNew();
            var block = new byte[1 << 20];
            while (watch.Elapsed < pause)
                SHA256.HashData(block);
        }
        if (arguments[0] == "alive")
            ranks.OnFirst(Work);
        else if (ranks.Rank == 0)
            Work();
        ranks.Barrier();
    }

    /// <summary>Trains in a run folder that is kept; at step 7, after the checkpoint of step 5, something happens to rank 1.</summary>
    private static void Mishap(ICollective ranks, string[] arguments)
    {
        var (what, folder) = (arguments[0], arguments[1]);
        SharedCases.Train("SCHaNe with P×K batches", ScalarType.Float64, Path.Combine(folder, "end.safetensors"), ranks,
            Path.Combine(folder, "run"), (step, model) =>
            {
                if (ranks.Rank != 1 || step != 7)
                    return;
                switch (what)
                {
                    case "throw":
                        throw new InvalidOperationException("something broke");
                    case "kill":
                        _ = Kill(Environment.ProcessId, 9);
                        break;
                    case "stop":
                        _ = Kill(Environment.ProcessId, OperatingSystem.IsMacOS() ? 17 : 19);
                        break;
                    case "leave":
                        Environment.Exit(0);
                        break;
                    case "diverge":
                        using (no_grad())
                            model.NamedParameters().First().Parameter.add_(1e-9);
                        break;
                }
            });
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
