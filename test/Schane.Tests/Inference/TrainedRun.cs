using Schane.Jobs;
using Schane.Recipes;
using Schane.Tests.Cli;

namespace Schane.Tests.Inference;

/// <summary>A run on two classes of flat colours, trained once for all tests that only read it.</summary>
public sealed class TrainedRun : IDisposable
{
    private readonly Photos photos = new(("red", 20), ("blue", 20));

    public TrainedRun() => TrainJob.Run(
        new Recipe
        {
            Data = photos.Data, NoRefit = true, Weights = "none", InputSize = 32, ImagesPerClass = 4, Steps = 30, Threads = 1,
            EvaluateEvery = 100
        },
        new() { Folder = photos.Run });

    /// <summary>The run folder.</summary>
    public string Folder => photos.Run;

    /// <summary>Folder of the photos, with the classes below.</summary>
    public string Data => photos.Data;

    public string Red => Path.Combine(Data, "red", "3.png");

    public string Blue => Path.Combine(Data, "blue", "3.png");

    /// <summary>A copy that a test may change.</summary>
    public string CopyTo(string folder)
    {
        foreach (var file in Directory.GetFiles(Folder, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(folder, Path.GetRelativePath(Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return folder;
    }

    public void Dispose() => photos.Dispose();
}

[CollectionDefinition(Name)]
public sealed class TrainedRunTests : ICollectionFixture<TrainedRun>
{
    public const string Name = "Trained run";
}
