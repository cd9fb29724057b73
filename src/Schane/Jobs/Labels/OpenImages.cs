using Schane.Data.Feeding;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Training;

namespace Schane.Jobs.Labels;

/// <summary>What a model says of images, and which of them have no label yet.</summary>
/// <param name="Answers">Of the images that can be read, each with its two most probable classes.</param>
/// <param name="Open">Those of them without a label, each picture once.</param>
/// <param name="Embeddings">Of the open images, row by row.</param>
/// <param name="Probabilities">Of the open images, row by row, in the order of the model's classes.</param>
/// <param name="Known">How many the run has a label for.</param>
/// <param name="Copies">How many of the others are copies of another.</param>
/// <param name="Problems">Why images could not be read, one sentence each.</param>
internal sealed record OpenImages(IReadOnlyList<Prediction> Answers, IReadOnlyList<int> Open, float[] Embeddings, float[] Probabilities,
    int Known, int Copies, IReadOnlyList<string> Problems)
{
    /// <summary>Passes images through a model. They are told by their embeddings, whatever they are called and wherever the labelled images
    /// are by now.</summary>
    /// <param name="classifier">The model.</param>
    /// <param name="labelled">Embeddings by it of the images that have a label.</param>
    /// <param name="files">The images.</param>
    /// <param name="progress">Told how many images have passed.</param>
    /// <param name="stop">Stops between images.</param>
    public static OpenImages Look(Classifier classifier, EmbeddingSet labelled, IReadOnlyList<string> files,
        IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        var (answers, problems) = (new List<Prediction>(), new List<string>());
        var (embeddings, probabilities) = (new List<float>(), new List<float>());
        var places = classifier.Classes.Select((name, place) => (name, place)).ToDictionary(c => c.name, c => c.place);
        foreach (var answer in classifier.PredictFiles(files,
            new() { Top = places.Count, Embedding = true, OnBadImage = OnBadImage.Skip }, cancellationToken: stop))
        {
            if (answer.Problem is { } problem)
                problems.Add(problem);
            else
            {
                answers.Add(answer with { Top = [.. answer.Top.Take(2)], Embedding = null });
                embeddings.AddRange(answer.Embedding!);
                probabilities.AddRange(InOrder(answer.Top, places));
            }
            progress?.Report(new("look", answers.Count + problems.Count, files.Count, 0, null, 0, null));
        }
        var (width, m) = (labelled.Width, labelled.Count);
        var first = UnitRows.FirstOfSame(UnitRows.Of([.. labelled.Values, .. embeddings], width), width)[m..];
        var known = first.Count(row => row < m);
        int[] open = [.. Enumerable.Range(0, answers.Count).Where(i => first[i] == m + i)];
        float[] Rows(List<float> all, int size) => [.. open.SelectMany(i => all.GetRange(i * size, size))];
        return new(answers, open, Rows(embeddings, width), Rows(probabilities, places.Count), known, answers.Count - known - open.Length,
            problems);
    }

    private static float[] InOrder(IReadOnlyList<ClassProbability> top, Dictionary<string, int> places)
    {
        var row = new float[places.Count];
        foreach (var (name, probability) in top)
            row[places[name]] = (float)probability;
        return row;
    }
}
