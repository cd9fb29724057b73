using System.CommandLine;
using Schane.Jobs.Studies;

namespace Schane.Cli.Verbs;

/// <summary>One run of a comparison or sweep, which that starts: what to do comes on stdin, how far it is goes to stdout.</summary>
internal sealed class StudyRunVerb : Verb
{
    public StudyRunVerb() : base(StudyRun.Verb, "Makes one run of a comparison or sweep, which starts it.") => Hidden = true;

    public override IReadOnlyList<Example> Examples => [];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        try
        {
            StudyRun.Make(Console.In, Console.Out, stop);
            return new("") { Printed = true };
        }
        catch (OperationCanceledException)
        {
            return new("", Exit.Interrupted) { Printed = true };
        }
    }
}
