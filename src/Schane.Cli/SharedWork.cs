using Schane.Distributed;

namespace Schane.Cli;

/// <summary>Work that several processes do together: rank 0 shows it; whoever fails says so, with its rank and
/// host, and ends them all.</summary>
internal static class SharedWork
{
    /// <summary>How long a rank waits before it reports an error: one that all ranks have met is reported by the first, which ends
    /// this process meanwhile.</summary>
    private static readonly TimeSpan Precedence = TimeSpan.FromSeconds(3);

    public static Outcome Run(ICollective ranks, Screen screen, Func<Screen, Outcome> work)
    {
        try
        {
            var outcome = work(ranks.Rank == 0 ? screen : screen.Silent());
            ranks.Leave();
            return ranks.Rank == 0 ? outcome : outcome with { Printed = true };
        }
        catch (Exception e) when (ranks.Size > 1)
        {
            if (ranks.Rank > 0 && e is OperationCanceledException)
                AwaitFirst(ranks);
            else if (ranks.Rank > 0)
                Thread.Sleep(Precedence);
            var code = screen.Fail(e, interrupted: e is OperationCanceledException, $"rank {ranks.Rank} on {ranks.Hosts[ranks.Rank]}: ");
            ranks.Abort(code);
            return new("", code) { Printed = true };
        }
    }

    /// <summary>All were asked to stop together: the first one writes its report and then ends the job, so it never comes here.</summary>
    private static void AwaitFirst(ICollective ranks)
    {
        try
        {
            ranks.Barrier();
        }
        catch (RankLostException)
        {
            // The first one is gone without a word, so this one says what there is to say.
        }
    }
}
