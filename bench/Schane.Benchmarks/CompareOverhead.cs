using System.Diagnostics;
using System.Globalization;
using Schane.Jobs;
using Schane.Models;
using Schane.Training;
using CompareOptions = Schane.Jobs.CompareOptions;

namespace Schane.Benchmarks;

/// <summary>What does <c>compare</c> add to the runs it makes? The whole comparison, against the plan it makes first and what it does again when all runs are there: tables, bootstrap, page.</summary>
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
            var whole = Timed(() => CompareJob.Run(options));
            var again = Timed(() => CompareJob.Run(options));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{options.Arms.Count} arms x {options.Seeds.Count} seeds of {steps} steps: {whole:F1} s; plan {plan:F2} s, tables, bootstrap and page {again:F2} s: compare adds {100 * (plan + again) / (whole - plan - again):F2} %"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static double Timed(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
