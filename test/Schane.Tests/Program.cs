using Schane.Cli;
using Schane.Tests.Distributed;
using Schane.Tests.Support;

// The tests, or a process that a test needs of its own: a rank (Distributed/RankProgram.cs), one whose libraries are wrong
// (Support/NativeProgram.cs), or one whose threads wait (Support/WaitingProgram.cs).
switch (args)
{
    case ["rank", var task, .. var rest]:
        return RankProgram.Run(task, rest);
    case ["native", var cure, var task, .. var rest]:
        return NativeProgram.Run(cure, task, rest);
    case ["waiting", var known, var turns]:
        return WaitingProgram.Run(ulong.Parse(known), ulong.Parse(turns));
    case ["waiting", "until-short"]:
        return WaitingProgram.RunUntilShort();
}
args = Needs.LeaveOut(args);
var code = args.Any(arg => arg is "--server" or "--internal-msbuild-node")
    ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args,
        Schane.Tests.SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
// libtorch takes its tables of operators down at the end of a process, for more than a second where others use the cores; xUnit would
// take that for a thread that was left running.
Interrupt.EndNow(code);
return code;
