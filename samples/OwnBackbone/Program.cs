// Trains a net that the library does not have, goes on from its weights, and puts it to use.
// OwnBackbone FOLDER
using OwnBackbone;
using Schane.Inference;
using Schane.Jobs;
using Schane.Models;
using Schane.Recipes;

var folder = args is [var given] ? given : Path.Combine("runs", "own-backbone");
ModelRegistry.Register(PatchMixer.Description, info => new PatchMixer(info));      // from here on recipes and run folders know its name
var recipe = new Recipe
{
    Data = "lookalikes",
    LabelsPerClass = 2,
    Model = "patch_mixer",
    ClassesPerBatch = 8,
    ImagesPerClass = 2,
    MicroBatch = 8,
    Steps = 4,
    LayerDecay = 0.8,
    Threads = 1,
};
var (first, _) = TrainJob.Run(recipe, new() { Folder = Path.Combine(folder, "first") });
var (second, results) = TrainJob.Run(recipe with { Weights = first.Root }, new() { Folder = Path.Combine(folder, "second") });
Console.WriteLine($"{results.Model}: {results.Metrics["top1"]:P1} right");

using var classifier = Classifier.Load(second.Root);
Console.WriteLine($"embeddings of {classifier.EmbeddingWidth}, {classifier.Classes.Count} classes");
