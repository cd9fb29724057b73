using System.Globalization;
using Schane.Distributed;

namespace Schane.Tests.Distributed;

/// <summary>What one rank of a test does: <c>Schane.Tests rank TASK …</c> under mpirun. Ends with 0, or 1 and the reason on stderr.</summary>
internal static class RankProgram
{
    /// <summary>Seconds of the deadline.</summary>
    public const string Deadline = "SCHANE_TEST_DEADLINE";

    private static readonly Dictionary<string, Action<ICollective, string[]>> Tasks = new()
    {
        ["collectives"] = (ranks, _) => CollectiveChecks.Run(ranks),
    };

    public static int Run(string task, string[] arguments)
    {
        TorchSharp.torch.set_num_threads(1);
        var deadline = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable(Deadline) ?? "60", CultureInfo.InvariantCulture));
        ICollective? ranks = null;
        try
        {
            ranks = Ranks.Join(new RankOptions { Deadline = deadline, BucketBytes = 4096 });
            Tasks[task](ranks, arguments);
            ranks.Leave();
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"error: rank {ranks?.Rank}: {e.Message}");
            ranks?.Abort(1);
            return 1;
        }
    }
}
