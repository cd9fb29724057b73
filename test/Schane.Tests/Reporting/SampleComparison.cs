using Schane.Reporting;
using Schane.Tensors;

namespace Schane.Tests.Reporting;

/// <summary>Eight seeds of four objectives, as a comparison might find them.</summary>
internal static class SampleComparison
{
    public static Comparison Of(string[]? labels = null, int classes = 40)
    {
        string[] names = ["ce-shuffled", "ce", "supcon", "schane"];
        labels ??= ["CE, shuffled batches", "CE", "SupCon", "SCHaNe"];
        double[] effect = [0, 0.004, 0.021, 0.034];
        var random = new SampleRandom(7);
        var runs = new List<ComparedRun>();
        for (var seed = 1; seed <= 8; seed++)
        {
            var common = 0.012 * random.Normal();
            for (var place = 0; place < names.Length; place++)
            {
                var top1 = 0.79 + effect[place] + common + 0.007 * random.Normal();
                var perClass = SampleRun.Named(classes).ToDictionary(name => name, name => Math.Clamp(top1 + 0.08 * random.Normal(), 0, 1));
                runs.Add(new(names[place], seed, new Dictionary<string, double>
                {
                    ["top1"] = top1, ["top5"] = 0.97 + effect[place] / 3, ["nll"] = 0.8 - 3 * effect[place] + 0.02 * random.Normal(),
                    ["ece"] = 0.05
                }, perClass, 58 + random.NextDouble()));
            }
        }
        return new Comparison
        {
            Schane = "0.1.0",
            Data = "lookalikes:novel",
            Model = "tiny",
            Part = "test",
            Images = 1000,
            Budget = "300 steps",
            Objectives = [.. names.Select((name, place) => new ComparedObjective(name, labels[place]))],
            Runs = runs,
            Bootstrap = [new("schane", "ce", 0.014, 0.046), new("schane", "supcon", -0.004, 0.03)],
            Notes = ["Each loss was tuned by 12 trials on the validation part."],
        };
    }
}
