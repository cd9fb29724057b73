using Schane.Distributed;

namespace Schane.Tests.Distributed;

/// <summary>The collectives in one process and in real ranks of each MPI.</summary>
public class CollectiveTests
{
    public static TheoryData<string, int> Worlds => Mpirun.Worlds(1, 2, 3);

    [Fact]
    public void One_process_has_all_it_needs() => CollectiveChecks.Run(new SingleProcess());

    [Theory, MemberData(nameof(Worlds)), Trait("Slow", "1")]
    public void Ranks_sum_gather_and_broadcast_what_a_pencil_says(string kind, int ranks) =>
        Mpirun.Run(kind, ranks, ["collectives"]).Done();
}
