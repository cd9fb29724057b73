using System.Reflection;

namespace Schane.Tests.Support;

/// <summary>Trait Long=1 marks what the inner loop of a developer leaves out (CONTRIBUTING.md).</summary>
public class InnerLoopTests
{
    [Fact]
    public void Tests_of_whole_programs_and_whole_runs_are_marked_long()
    {
        string[] rooms = ["Cli", "Jobs", "Samples", "Server"];
        var unmarked = typeof(InnerLoopTests).Assembly.GetTypes()
            .Where(type => rooms.Any(room => $"{type.Namespace}.".StartsWith($"Schane.Tests.{room}.", StringComparison.Ordinal)))
            .Where(type => type.GetMethods().Any(method => method.GetCustomAttributes<FactAttribute>(inherit: true).Any()))
            .Where(type => !type.GetCustomAttributesData().Any(a => a.AttributeType == typeof(TraitAttribute)
                && (string?)a.ConstructorArguments[0].Value == "Long"));
        Assert.Empty(unmarked.Select(type => type.FullName));
    }
}
