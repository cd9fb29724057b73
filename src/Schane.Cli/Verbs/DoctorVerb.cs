using System.CommandLine;
using System.Globalization;
using Schane.Distributed;
using Schane.Jobs;
using Schane.Products;
using Schane.Tensors;
using Schane.Verification;
using static System.FormattableString;

namespace Schane.Cli.Verbs;

/// <summary>What this machine has, what is missing, and how to get it.</summary>
/// <param name="check">Compares operators with float64; null for those of this machine.</param>
internal sealed class DoctorVerb(Func<IReadOnlyList<OperatorError>>? check = null) : Verb("doctor",
    "Shows what this machine offers to training, what is missing and how to get it, and whether it computes right.")
{
    public override IReadOnlyList<Example> Examples =>
    [
        new("schane doctor", "the machine, libtorch, threads; each operator against float64, exit code 1 if one is wrong"),
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
        IReadOnlyList<OperatorError> operators = torch.Error is null ? (check ?? MachineCheck.Run)() : [];
        double? ownProducts = torch.Error is null ? ProductChoice.Ratio : null;
        screen.Table(["", ""],
        [
            ["system", $"{machine.OperatingSystem}, {machine.Architecture}, {machine.Runtime}"],
            ["processor",
                $"{machine.Processor}, {machine.Cores} cores"
                    + $"{(machine.ProcessorLimit is { } time ? Invariant($", limited to the time of {time:0.##}") : "")}"],
            ["instructions", machine.Features.Count > 0 ? string.Join(' ', machine.Features) : "none that matter"],
            ["caches", machine.CachesHidden ? "hidden: the processor does not tell of them" : "told by the processor"],
            ["memory",
                $"{Gigabytes(machine.MemoryFree)} free of {Gigabytes(machine.MemoryTotal)}"
                    + $"{(machine.MemoryLimit is { } limit ? $", limited to {Gigabytes(limit)}" : "")}"],
            ["libtorch", torch.Error is null ? $"{torch.Version} from {torch.Path}" : $"does not load: {torch.Error}"],
            ["libstdc++",
                torch.Cured ? "older than GCC 13; libtorch was loaded all the same, from a copy in memory"
                    : "new enough for libtorch as it stands"],
            ["threads", $"{torch.Threads}: {torch.ThreadsWhy}"],
            ["waiting", torch.Waiting],
            ["products", ownProducts is { } ratio ? Products(ratio) : "unknown without libtorch"],
            ["GPU",
                torch.Gpus > 0 ? $"{torch.Gpus} that this build can use"
                    : machine.GraphicsDriver is null ? "none" : "one that this build can't use"],
            ["MPI", engines.Count > 0 ? string.Join(", ", engines) : "none"],
            ["two ranks", together ?? "there is no mpirun to start them"],
        ]);
        if (operators.Count > 0)
            screen.Table(["largest error against float64", "float32", "its gradient", "bf16", "its gradient"],
                operators.GroupBy(o => o.Operator).Select(Row));
        foreach (var line in advice)
            screen.Answer(line);
        var wrong = Wrong(operators);
        foreach (var sentence in wrong)
            screen.Say($"error: {sentence}");
        return new(new { machine, torch, ownProducts, engines, twoRanks = together, operators, advice },
            torch.Error is null && wrong.Count == 0 ? Exit.Done : Exit.Failed);
    }

    /// <summary>Whose matrix products linear layers take on this machine.</summary>
    private static string Products(double ratio) => ratio switch
    {
        >= ProductChoice.Least => Invariant($"linear layers by Schane's own, {ratio:0.0} times as fast as libtorch's in float32"),
        0 => "linear layers by libtorch, there being no vectors for Schane's own",
        _ => Invariant($"linear layers by libtorch; Schane's own would be {ratio:0.0} times as fast in float32"),
    };

    /// <summary>For one of several processes that a launcher started: can they talk?</summary>
    private static Outcome Talk(Screen screen)
    {
        using var ranks = Ranks.Join(new RankOptions { Deadline = TimeSpan.FromSeconds(20) });
        return SharedWork.Run(ranks, screen, shown =>
        {
            var talk = RankTalk.Measure(ranks);
            var hosts = talk.Hosts.GroupBy(host => host).Select(host => $"{host.Key} ({host.Count()})");
            shown.Answer($"{talk.Ranks} ranks on {string.Join(", ", hosts)} talk over {talk.Engine}: "
                + $"{talk.Microseconds:0} µs for a number, {talk.GigabytesPerSecond:0.0} GB/s for a large tensor.");
            return new(talk);
        });
    }

    private static IEnumerable<string> Advice(Machine machine, TorchRuntime torch)
    {
        if (torch.Error is not null)
            yield return
                "Without libtorch nothing can be trained: restore the packages again, and on Linux install libgomp1 and libstdc++6.";
        if (machine.GraphicsDriver is not null && torch.Gpus == 0)
            yield return "There is an NVIDIA driver but this build computes on the processor: build with -p:Torch=cuda to use the GPU.";
        if (machine.Mpi is null)
            yield return "To train on several machines install MPI: apt-get install libopenmpi3 openmpi-bin, dnf install openmpi, "
                + "brew install open-mpi, or MS-MPI on Windows.";
        if (Math.Min(machine.MemoryFree, machine.MemoryLimit ?? long.MaxValue) < 2L << 30)
            yield return "Less than 2 GB of memory is free; close other programs or lower --micro-batch.";
    }

    /// <summary>A sentence for each operator that this machine computes wrong.</summary>
    internal static IReadOnlyList<string> Wrong(IEnumerable<OperatorError> operators) =>
    [
        .. operators.Where(o => !o.IsRight).Select(o =>
            $"{o.Operator} in {o.Precision} is off by {Shown(Math.Max(o.Forward, o.Gradient ?? 0))} of its largest value, "
            + $"and rounding explains {Shown(o.Allowed)}: what models with such an operator give on this machine can't be trusted."),
    ];

    private static IReadOnlyList<string> Row(IGrouping<string, OperatorError> errors)
    {
        var (float32, bf16) = (errors.FirstOrDefault(o => o.Precision == "float32"), errors.FirstOrDefault(o => o.Precision == "bf16"));
        return [errors.Key, Shown(float32?.Forward), Shown(float32?.Gradient), Shown(bf16?.Forward),
            errors.All(o => o.IsRight) ? Shown(bf16?.Gradient) : $"{Shown(bf16?.Gradient)}  WRONG"];
    }

    private static string Shown(double? error) => error?.ToString("0e-0", CultureInfo.InvariantCulture) ?? "";

    private static string Gigabytes(long bytes) => $"{bytes / (double)(1L << 30):0.0} GB";
}
