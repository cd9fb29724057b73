using System.Runtime.InteropServices;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Tests.Tensors;

public class FreedScalarsTests
{
    [Fact]
    [Trait("Slow", "1")]
    public void Numbers_last_as_long_as_the_operations_that_are_given_them()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64,
            "Freed numbers are kept on Linux and x64.");
        using var one = ones(1);
        Assert.True(FreedScalars.AreKept);
        using var stop = new CancellationTokenSource();
        // Two threads that only collect garbage, so that finalizers run between any two instructions of the loop.
        var collectors = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        })).ToList();
        collectors.ForEach(thread => thread.Start());
        try
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var sums = 0L;
            using var sum = zeros(1, ScalarType.Float64);
            for (; watch.Elapsed < TimeSpan.FromSeconds(20); sums++)
                sum.add_(3);                                              // without the cure: an exception after 1 to 15 s
            Assert.Equal(3.0 * sums, sum.item<double>());
        }
        finally
        {
            stop.Cancel();
            collectors.ForEach(thread => thread.Join());
        }
    }
}
