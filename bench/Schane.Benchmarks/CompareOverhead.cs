using System.Diagnostics;
using System.Globalization;
using Schane.Jobs.Studies;
using Schane.Models;
using Schane.Recipes;
using Schane.Training;
using CompareOptions = Schane.Jobs.Studies.CompareOptions;

namespace Schane.Benchmarks;

/// <summary>What does <c>compare</c> add to the runs it makes? The whole comparison, against what it does before the first run, plan and
/// estimate, and again when all runs are there: tables, bootstrap, page.</summary>
internal static class CompareOverhead
{
    public static int Run(string[] arguments)
    {
        var steps = arguments is ["--steps", var text] ? int.Parse(text, CultureInfo.InvariantCulture) : 200;
        var folder = Directory.CreateTempSubdirectory("schane-compare-");
        try
        {
            var recipe = new Recipe { Data = "lookalikes", Steps = steps, Precision = Precision.Float32 };
            var options = new CompareOptions { Arms = CompareOptions.DefaultArms(recipe), Folder = folder.FullName, Seeds = [0, 1] };
            var plan = Timed(() => EqualBudget.For(options.Arms, Path.Combine(folder.FullName, "plan-only"), 1, null, null));
            var first = new FirstMessage();
            var whole = Timed(() => CompareJob.Run(options, first));
            var again = Timed(() => CompareJob.Run(options));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{options.Arms.Count} arms x {options.Seeds.Count} seeds of {steps} steps: {whole:F1} s; plan {plan:F2} s, plan and " +
                $"estimate before the first run {first.After:F2} s, tables, bootstrap and page {again - plan:F2} s: compare adds " +
                $"{100 * (first.After + again - plan) / (whole - first.After - again + plan):F2} %"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    /// <summary>When the estimate was told, after which the first run begins.</summary>
    private sealed class FirstMessage : IProgress<TrainingProgress>
    {
        private readonly Stopwatch watch = Stopwatch.StartNew();

        public double After { get; private set; }

        public void Report(TrainingProgress value)
        {
            if (value.Message is not null && After == 0)
                After = watch.Elapsed.TotalSeconds;
        }
    }

    private static double Timed(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
