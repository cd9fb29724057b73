// Trains on images that the library knows nothing of: any source that has a count, labels and pixels.
// OwnDataset FOLDER
using OwnDataset;
using Schane.Data;
using Schane.Inference;
using Schane.Jobs;
using Schane.Recipes;

var folder = args is [var given] ? given : Path.Combine("runs", "own-dataset");
var recipe = new Recipe { Data = "rings", Model = "schane_tiny", InputSize = 32, ImagesPerClass = 4, Steps = 12, Threads = 1 };
var images = new TrainingData(new Rings("train", 12), new Rings("val", 4), new Rings("test", 8));
var (run, results) = TrainJob.Run(recipe, new() { Folder = folder, Data = images });
Console.WriteLine($"{results.Metrics["top1"]:P1} of {results.Images} test images of {results.Data}");

using var classifier = Classifier.Load(run.Root);
Console.WriteLine($"classes: {string.Join(", ", classifier.Classes)}");
