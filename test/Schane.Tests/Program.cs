using Schane.Tests.Distributed;
using Schane.Tests.Support;

// The tests, or one rank of a test that needs several processes (Distributed/RankProgram.cs).
if (args is not ["rank", ..])
    args = Needs.LeaveOut(args);
return args switch
{
    ["rank", var task, .. var rest] => RankProgram.Run(task, rest),
    _ when args.Any(arg => arg is "--server" or "--internal-msbuild-node") =>
        await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args,
            Schane.Tests.SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
};
