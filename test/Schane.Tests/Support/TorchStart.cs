using System.Runtime.CompilerServices;

namespace Schane.Tests.Support;

/// <summary>Starts the library before any test touches TorchSharp, whose native part may need the library's cure to load.</summary>
internal static class TorchStart
{
#pragma warning disable CA2255 // A test may use TorchSharp before anything of the library.
    [ModuleInitializer]
    internal static void Run()
    {
        RuntimeHelpers.RunModuleConstructor(typeof(SchaneException).Module.ModuleHandle);
        // Tests and the programs they start take the tiny net where they name none, whatever weights the machine has.
        Environment.SetEnvironmentVariable(Schane.Planning.StartingPoint.Variable, Schane.Planning.StartingPoint.Tiny);
    }
#pragma warning restore CA2255
}
