using System.CommandLine;

namespace Schane.Cli;

/// <summary>One verb: parses, builds options, calls the library.</summary>
internal abstract class Verb(string name, string description) : Command(name, description)
{
    private readonly List<FlagGroup> groups = [];

    /// <summary>Command lines for the help text, each with what it is for.</summary>
    public abstract IReadOnlyList<Example> Examples { get; }

    /// <summary>The flags in the order and under the titles of the help text.</summary>
    public IReadOnlyList<FlagGroup> Groups => groups;

    /// <summary>Does the work.</summary>
    public abstract Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop);

    protected void Flags(string title, params IReadOnlyList<Option> flags)
    {
        groups.Add(new(title, flags));
        foreach (var flag in flags)
            Add(flag);
    }
}

/// <summary>A titled list of flags in a help text.</summary>
internal sealed record FlagGroup(string Title, IReadOnlyList<Option> Flags);

/// <summary>A command line and what it is for.</summary>
internal sealed record Example(string CommandLine, string Purpose);

/// <summary>How a verb ended: its exit code and what <c>--json</c> prints.</summary>
internal sealed record Outcome(object Document, int ExitCode = Exit.Done)
{
    /// <summary>Whether the verb has written its document to stdout itself, in a format of its own.</summary>
    public bool Printed { get; init; }
}

/// <summary>Exit codes of the command.</summary>
internal static class Exit
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;
    public const int Drifted = 3;
    public const int Interrupted = 130;
}
