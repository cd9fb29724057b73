using System.CommandLine;
using Schane.Data;

namespace Schane.Cli.Verbs;

/// <summary>Fetches a data set from its official address.</summary>
internal sealed class DataFetchVerb : Verb
{
    private readonly Argument<string> name = new("NAME") { Description = "A data set that `schane data list` says can be fetched." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();

    public DataFetchVerb() : base("fetch",
        "Fetches a data set from its official address, checks its hash and unpacks it; started again, it goes on.")
    {
        Add(name);
        Flags("Flags", dataRoot);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane data fetch cifar100", "161 MiB, to $SCHANE_DATA or the user's data folder"),
        new("schane data fetch cub --data-root /data", "to /data/cub"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var (which, root) = (parsed.GetRequiredValue(name), parsed.GetValue(dataRoot));
        var folder = LongWork.Show(screen, show => DatasetFetch.RunAsync(which, root, new Shown(show), stop).GetAwaiter().GetResult());
        var parts = DatasetCheck.Run(which, root, stop);
        foreach (var problem in parts.Select(p => p.Problem).OfType<string>().Distinct())
            screen.Answer(problem);
        screen.Answer($"{which} is in {folder}.");
        return new(new { name = which, folder, parts }, parts.All(p => p.Problem is null) ? Exit.Done : Exit.Failed);
    }

    private sealed class Shown(Action<Moment> show) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) => show(new(value.What, value.Done >> 20, (value.Total ?? value.Done) >> 20, Unit: " MiB"));
    }
}
