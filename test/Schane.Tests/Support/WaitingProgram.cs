using System.Diagnostics;
using System.Globalization;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Tests.Support;

/// <summary>A process that finds libgomp's count of turns, sets it, and prints the processor time of threads that have nothing to
/// do.</summary>
internal static class WaitingProgram
{
    /// <summary>Seconds after which it is said that they spin.</summary>
    public const double Enough = 0.5;

    public static int Run(ulong known, ulong turns)
    {
        set_num_threads(2);
        using var scope = NewDisposeScope();
        var a = ones(256, 256);
        a.mm(a);                                                          // the threads are there, and libgomp is
        if (SpinCount.Find(known) is not { } count)
        {
            Console.WriteLine("not found");
            return 0;
        }
        count.Turns = turns;
        a.mm(a);                                                          // each has done its share and waits for the next
        var (before, used) = (Environment.CpuUsage.TotalTime, 0.0);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < 5 && used < Enough;)      // others may keep the cores busy
        {
            Thread.Sleep(50);
            used = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        }
        Console.WriteLine(used.ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    /// <summary>Computes until libgomp's count is that of busy cores, and says whether libgomp had loaded before Schane, whether the count
    /// came to that, and how threads wait.</summary>
    public static int RunUntilShort()
    {
        set_num_threads(2);
        using var scope = NewDisposeScope();
        var a = ones(512, 512);
        var watch = Stopwatch.StartNew();
        while (SpinCount.Find(WaitingThreads.Short) is null && watch.Elapsed.TotalSeconds < 60)
            a.mm(a).Dispose();
        Console.WriteLine($"{OpenMp.CameTooLate}, {SpinCount.Find(WaitingThreads.Short) is not null}, {OpenMp.Waiting}");
        return 0;
    }
}
