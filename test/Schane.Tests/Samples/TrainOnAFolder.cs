// <sample>
using Schane.Inference;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;

internal static class TrainOnAFolder
{
    public static void Run(string photos, string runFolder, string image, TimeSpan budget)
    {
        var recipe = new Recipe { Data = photos, Loss = new SchaneLoss(), Budget = budget };
        var (run, results) = TrainJob.Run(recipe, new() { Folder = runFolder });   // photos/CLASS/*.jpg, from weights at hand
        Console.WriteLine($"{results.Metrics["top1"]:P1} of {results.Images} test images; {run.Report}");
        using var classifier = Classifier.Load(runFolder);          // thread-safe: one for the whole program
        foreach (var guess in classifier.Predict(image).Top)
            Console.WriteLine($"{guess.Class} {guess.Probability:P1}");
    }
}
// </sample>
