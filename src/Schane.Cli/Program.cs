using System.CommandLine;
using Schane.Cli;
using Schane.Cli.Verbs;

// Open MPI lends rank 0 a terminal of its own, into which .NET would write control characters: nobody looks at it, and
// programs may read what comes out.
if (Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_SIZE") is not null)
    Environment.SetEnvironmentVariable("TERM", "dumb");

var root = new Root(
[
    new TrainVerb(),
    new EvaluateVerb(),
    new PredictVerb(),
    new AverageVerb(),
    new EnrollVerb(),
    new MonitorVerb(),
    new SuggestVerb(),
    new ServeVerb(),
    new CompareVerb(),
    new SweepVerb(),
    new StudyRunVerb(),
    new ExportVerb(),
    new FewShotVerb(),
    new EmbedVerb(),
    new ReportVerb(),
    new Command("data", "The data to train on.") { new DataListVerb(), new DataCheckVerb(), new DataDoctorVerb(), new DataLabelsVerb(),
        new DataShowVerb(), new DataFetchVerb() },
    new Command("recipe", "Settings of a training in a file.") { new RecipeCheckVerb(), new RecipeShowVerb() },
    new Command("models", "The architectures that can be trained.") { new ModelsListVerb(), new ModelsShowVerb(), new ModelsFetchVerb() },
    new DoctorVerb(),
]);
var parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
if (parsed.GetValue(root.Version))
    return Screen.Print(Root.VersionText);
if (parsed.GetValue(root.Help))
    return Screen.Print(HelpText.For(parsed.CommandResult.Command, Math.Min(HelpText.Width, Terminal.OutputWidth ?? HelpText.Width)));

var screen = new Screen(json: parsed.GetValue(root.Json), verbose: parsed.GetValue(root.Verbose));
using var interrupt = new Interrupt();
try
{
    WrongUse.Check(parsed);
    if (parsed.CommandResult.Command is not Verb verb)
    {
        Console.Error.WriteLine(HelpText.For(parsed.CommandResult.Command));
        return Exit.WrongUse;
    }
    var outcome = verb.Run(parsed, screen, interrupt.Token);
    if (!outcome.Printed)
        screen.Result(outcome.Document);
    return outcome.ExitCode;
}
catch (Exception e)
{
    return screen.Fail(e, interrupted: interrupt.Token.IsCancellationRequested);
}
