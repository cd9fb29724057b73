namespace Schane.Tests.Support;

/// <summary>Tests of what the whole process holds: they run one at a time, after all others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcess
{
    public const string Name = "Whole process";
}
