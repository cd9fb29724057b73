// <cell>
using Schane.Inference;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
// </cell>

namespace Schane.Tests.Samples;

/// <summary>The cells of samples/QuickStart.dib, which <see cref="NotebookTests"/> compares.</summary>
internal static class QuickStartNotebook
{
    public static ExportResult Run(string photos, string folder, TimeSpan budget)
    {
        // <cell>
        var recipe = new Recipe { Data = photos == "" ? "lookalikes" : photos, Loss = new SchaneLoss(), Budget = budget };
        var (run, results) = TrainJob.Run(recipe, new() { Folder = folder });
        Console.WriteLine($"{results.Metrics["top1"]:P1} of {results.Images} images that the model had not seen; {run.Report}");
        // </cell>
        // <cell>
        foreach (var one in results.PerClass!.OrderBy(one => one.Accuracy).Take(5))
            Console.WriteLine($"{one.Class}: {one.Accuracy:P0} of {one.Images}");
        // </cell>
        // <cell>
        var classifier = Classifier.Load(folder);
        foreach (var answer in photos == "" ? [] : classifier.PredictFiles(ImageFiles.Find([photos]).Take(5)))
            Console.WriteLine($"{answer.Image}: {answer.Class ?? "not sure"} {answer.Top[0].Probability:P0}");
        // </cell>
        // <cell>
        var export = ExportJob.Run(folder, Path.Combine(folder, "model.onnx"), force: true);
        Console.WriteLine($"{export.Onnx}: {export.Bytes / 1e6:F1} MB; {export.Parity}");
        // </cell>
        return export;
    }
}
