using System.CommandLine;
using System.Reflection;

namespace Schane.Cli;

/// <summary>The whole command: its verbs and the flags that every verb has.</summary>
internal sealed class Root : RootCommand
{
    public Root(IEnumerable<Command> verbs)
        : base("Fine-tunes pre-trained image models on your own images, best where labels are few and classes look alike.")
    {
        Options.Clear();
        Directives.Clear();
        foreach (var verb in verbs)
            Add(verb);
        foreach (var flag in (Option[])[Json, Verbose, Help, Version])
            Add(flag);
    }

    public Option<bool> Json { get; } = new("--json")
    { Description = "Print the result as one JSON document on stdout.", Recursive = true };

    public Option<bool> Verbose { get; } = new("--verbose") { Description = "Add the stack trace to an error.", Recursive = true };

    public Option<bool> Help { get; } = new("--help", "-h", "-?") { Description = "Show this text.", Recursive = true };

    public Option<bool> Version { get; } = new("--version") { Description = "Show the version." };

    public static string VersionText =>
        $"schane {typeof(Root).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]}";
}
