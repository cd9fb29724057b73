using System.CommandLine;
using Schane.Distributed;
using Schane.Tensors;

namespace Schane.Cli.Verbs;

/// <summary>What this machine has, what is missing, and how to get it.</summary>
internal sealed class DoctorVerb() : Verb("doctor", "Shows what this machine offers to training, what is missing and how to get it.")
{
    public override IReadOnlyList<Example> Examples =>
    [
        new("schane doctor", "operating system, processor, libtorch, threads, GPU, MPI and memory"),
        new("schane doctor --json", "the same for a program"),
        new("mpirun -np 4 schane doctor", "whether these processes reach each other, and how fast"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (Ranks.Launched)
            return Talk(screen);
        var (machine, torch) = (Machine.Examine(), TorchRuntime.Examine());
        var engines = RankTalk.Engines();
        var together = TwoRanks.Try();
        var advice = Advice(machine, torch).ToList();
        screen.Table(["", ""],
        [
            ["system", $"{machine.OperatingSystem}, {machine.Architecture}, {machine.Runtime}"],
            ["processor", $"{machine.Processor}, {machine.Cores} cores"],
            ["instructions", machine.Features.Count > 0 ? string.Join(' ', machine.Features) : "none that matter"],
            ["memory", $"{Gigabytes(machine.MemoryFree)} free of {Gigabytes(machine.MemoryTotal)}{(machine.MemoryLimit is { } limit ? $", limited to {Gigabytes(limit)}" : "")}"],
            ["libtorch", torch.Error is null ? $"{torch.Version} from {torch.Path}" : $"does not load: {torch.Error}"],
            ["libstdc++", torch.Cured ? "older than GCC 13; libtorch was loaded all the same, from a copy in memory" : "new enough for libtorch as it stands"],
            ["threads", $"{torch.Threads}"],
            ["GPU", torch.Gpus > 0 ? $"{torch.Gpus} that this build can use" : machine.GraphicsDriver is null ? "none" : "one that this build can't use"],
            ["MPI", engines.Count > 0 ? string.Join(", ", engines) : "none"],
            ["two ranks", together ?? "there is no mpirun to start them"],
        ]);
        foreach (var line in advice)
            screen.Say(line);
        return new(new { machine, torch, engines, twoRanks = together, advice }, torch.Error is null ? Exit.Done : Exit.Failed);
    }

    /// <summary>One of several that a launcher started: can they talk?</summary>
    private static Outcome Talk(Screen screen)
    {
        using var ranks = Ranks.Join(new RankOptions { Deadline = TimeSpan.FromSeconds(20) });
        return SharedWork.Run(ranks, screen, shown =>
        {
            var talk = RankTalk.Measure(ranks);
            shown.Say($"{talk.Ranks} ranks on {string.Join(", ", talk.Hosts.GroupBy(host => host).Select(host => $"{host.Key} ({host.Count()})"))} talk over {talk.Engine}: "
                + $"{talk.Microseconds:0} µs for a number, {talk.GigabytesPerSecond:0.0} GB/s for a large tensor.");
            return new(talk);
        });
    }

    private static IEnumerable<string> Advice(Machine machine, TorchRuntime torch)
    {
        if (torch.Error is not null)
            yield return "Without libtorch nothing can be trained: restore the packages again, and on Linux install libgomp1 and libstdc++6.";
        if (machine.GraphicsDriver is not null && torch.Gpus == 0)
            yield return "There is an NVIDIA driver but this build computes on the processor: build with -p:Torch=cuda to use the GPU.";
        if (machine.Mpi is null)
            yield return "To train on several machines install MPI: apt-get install libopenmpi3 openmpi-bin, dnf install openmpi, brew install open-mpi, or MS-MPI on Windows.";
        if (Math.Min(machine.MemoryFree, machine.MemoryLimit ?? long.MaxValue) < 2L << 30)
            yield return "Less than 2 GB of memory is free; close other programs or lower --micro-batch.";
    }

    private static string Gigabytes(long bytes) => $"{bytes / (double)(1L << 30):0.0} GB";
}
