using System.CommandLine;
using Schane.Evaluation.Statistics;
using Schane.Jobs.Labels;

namespace Schane.Cli.Verbs;

/// <summary>Training images whose label looks wrong.</summary>
internal sealed class DataLabelsVerb : Verb
{
    private const int MostShown = 20;

    private readonly Argument<string> run = new("RUN")
    { Description = "Run folder of `schane train`: its training images are judged by models of its recipe." };
    private readonly Option<int> folds = new("--folds")
    {
        HelpName = "K", DefaultValueFactory = _ => 5,
        Description = "Trainings, each without one K-th of the images, which it then judges. Default: 5."
    };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<bool> offline = CommonFlags.Offline();

    public DataLabelsVerb() : base("labels",
        "Finds training images whose label looks wrong, by models that have not seen them; takes as long as K trainings.")
    {
        Add(run);
        Flags("Flags", folds, dataRoot, offline);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane data labels runs/photos-schane-1",
            "writes RUN/label-errors.csv, most suspect first; go on after Ctrl-C with the same line"),
        new("schane train --data photos --relabel runs/photos-schane-1/label-errors.csv",
            "train with the suggested labels, after deleting the lines that are wrong about it"),
        new("schane train --data photos --exclude runs/photos-schane-1/label-errors.csv",
            "or without these images; your files stay as they are"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var found = LongWork.Show(screen, show => LabelErrorsJob.Run(parsed.GetRequiredValue(run), parsed.GetValue(folds),
            parsed.GetValue(dataRoot), new ShownJobs(show), parsed.Hub(offline), stop));
        screen.Table(["rank", "image", "label", "suggested", "score"], found.Candidates.Take(MostShown)
            .Select(c => (string[])[$"{c.Rank}", c.Path, c.Label, c.Suggested, $"{c.Score:0.00}"]), "Labels that look wrong:");
        var agreement = Interval.Wilson(found.Agreed, found.Judged);
        screen.Answer($"{found.Agreed} of {found.Judged} labels ({agreement.Mean:P1}, {agreement.Low:P1} to {agreement.High:P1}) are " +
            $"what models that have not seen the image say; about {found.WrongRate:P1} of the labels are expected to be wrong." +
            (agreement.Mean < 0.5 ? " The models are right too seldom to tell much: better weights or more images would help." : ""));
        screen.Answer($"{found.Candidates.Count} of {found.Judged} images look as if their label were wrong" + (found.Alone > 0
            ? $"; {found.Alone} could not be judged, since they are alone in their class or can't be read." : "."));
        if (found.Candidates.Count > 0)
            screen.Answer($"Go through them in {Path.ChangeExtension(found.File, ".html")}, or delete the lines of {found.File} that are " +
                "mistaken, and give the list to `schane train` as --relabel or --exclude.");
        return new(found);
    }
}
