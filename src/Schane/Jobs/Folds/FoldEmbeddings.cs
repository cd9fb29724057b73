using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Planning;
using Schane.Runs;

namespace Schane.Jobs.Folds;

/// <summary>Embeddings of images that were held out, by models that had not seen them.</summary>
internal static class FoldEmbeddings
{
    /// <summary>Those of a run: of its validation or test part; where its model learnt from all images, of each fold by the fold's own
    /// model, or by the run's where that has the trunk it began with.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="results">What the run measured.</param>
    /// <param name="embedded">What it keeps of its images.</param>
    /// <returns>None where nothing was held out.</returns>
    public static IReadOnlyList<HeldOutEmbeddings> Of(RunFolder run, RunResults results, EmbeddedImages embedded)
    {
        if (embedded.Part("train") is not { } train)
            return [];
        if ((embedded.Part("val") ?? embedded.Part("test")) is { } held)
            return [new(train.Embeddings, held.Embeddings)];
        if (results.Folds is null)
            return [];
        var folds = SavedRun.SplitsOf(run)!.Folds;
        if (results.Probe is { Kept: true })
            return [.. folds.Select(fold => fold.ToHashSet(StringComparer.Ordinal)).Select(fold =>
                new HeldOutEmbeddings(Rows(train, image => !fold.Contains(image)), Rows(train, fold.Contains)))];
        return [.. Enumerable.Range(1, results.Folds.Value).Select(fold => EmbeddedImages.Load(Of(run, fold).Embeddings))
            .Select(own => new HeldOutEmbeddings(own.Part("train")!.Embeddings, own.Part("test")!.Embeddings))];
    }

    /// <summary>The folder of a fold, from 1.</summary>
    public static RunFolder Of(RunFolder run, int fold) => RunFolder.Elsewhere(Path.Combine(run.Folds, $"{fold}"));

    private static EmbeddingSet Rows(EmbeddedImages images, Func<string, bool> wanted) =>
        images.Embeddings.Rows([.. Enumerable.Range(0, images.Images.Count).Where(row => wanted(images.Images[row]))]);
}
