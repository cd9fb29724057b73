using Schane.Tests.Distributed;
using Schane.Tests.Support;

// The tests, or a process that a test needs of its own: a rank (Distributed/RankProgram.cs), or one whose libraries are wrong
// (Support/NativeProgram.cs).
if (args is not (["rank", ..] or ["native", ..]))
    args = Needs.LeaveOut(args);
return args switch
{
    ["rank", var task, .. var rest] => RankProgram.Run(task, rest),
    ["native", var cure, var task, .. var rest] => NativeProgram.Run(cure, task, rest),
    _ when args.Any(arg => arg is "--server" or "--internal-msbuild-node") =>
        await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args,
            Schane.Tests.SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
};
