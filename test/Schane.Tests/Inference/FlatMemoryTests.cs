using System.Diagnostics;
using System.Globalization;
using Schane.Inference;
using Schane.Jobs;
using Schane.Tests.Data;
using Schane.Tests.Support;

namespace Schane.Tests.Inference;

[Collection(WholeProcess.Name)]
[Trait("Long", "1")]
public sealed class FlatMemoryTests : IDisposable
{
    private readonly TrainedRun run = new();
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        folder.Dispose();
        run.Dispose();
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Memory_is_flat_over_many_calls() => MemoryIsFlat(run.Folder, calls: 1500);

    [Fact]
    public void Memory_is_flat_over_many_calls_of_an_exported_file() => MemoryIsFlat(Exported(), calls: 1500);

    /// <summary>15,000 calls unless SCHANE_CALLS says otherwise, so that the slow tests stay short; docs/performance.md has
    /// the figure of 100,000.</summary>
    [Theory]
    [Trait("Slow", "1")]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_is_flat_over_a_hundred_thousand_calls(bool exported) =>
        MemoryIsFlat(exported ? Exported() : run.Folder,
            int.Parse(Environment.GetEnvironmentVariable("SCHANE_CALLS") ?? "15000", CultureInfo.InvariantCulture));

    private string Exported()
    {
        var path = Path.Combine(folder.Path, "colours.onnx");
        ExportJob.Run(run.Folder, path);
        return path;
    }

    private void MemoryIsFlat(string model, int calls)
    {
        using var classifier = Classifier.Load(model);
        var bytes = File.ReadAllBytes(run.Red);
        void Call(int times)
        {
            for (var i = 0; i < times; i++)
                using (var stream = new MemoryStream(bytes))
                    classifier.Predict(stream);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Call(500);
        var before = Process.GetCurrentProcess().WorkingSet64;
        Call(calls);
        var grown = (Process.GetCurrentProcess().WorkingSet64 - before) >> 20;
        TestContext.Current.SendDiagnosticMessage($"{calls} calls: {grown} MB more");
        Assert.InRange(grown, -1 << 20, 24);
    }
}
