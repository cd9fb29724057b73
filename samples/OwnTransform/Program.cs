// Trains with an augmentation of one's own among the library's, by name.
// OwnTransform FOLDER
using OwnTransform;
using Schane.Data.Transforms;
using Schane.Inference;
using Schane.Jobs;
using Schane.Recipes;

var folder = args is [var given] ? given : Path.Combine("runs", "own-transform");
var film = new TransformPreset("film", "crops, mirrored, with the grain of a fast film; evaluated whole",
    training: size => [new RandomResizedCrop(size) { MinArea = 0.5 }, new HorizontalFlip(), new Grain()],
    evaluation: size => [new Resize(size) { Square = true }]);
TransformPreset.Register(film);                                            // from here on recipes and run folders know its name
Console.WriteLine(film.Training(new InputShape(1, 32, [0.5f], [0.25f])));

var recipe = new Recipe
{
    Data = "lookalikes",
    LabelsPerClass = 2,
    Augmentation = "film",
    InputSize = 32,
    ClassesPerBatch = 8,
    ImagesPerClass = 2,
    Steps = 4,
    Threads = 1,
};
var (run, results) = TrainJob.Run(recipe, new() { Folder = folder });
using var classifier = Classifier.Load(run.Root);                          // prepares images as the preset's evaluation says
Console.WriteLine($"{results.Metrics["top1"]:P1} right; {classifier.Classes.Count} classes");
