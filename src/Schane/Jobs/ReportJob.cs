using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting;
using Schane.Reporting.SideBySide;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Writes the page of a run that is there: what <c>schane report</c> does.</summary>
internal static class ReportJob
{
    /// <summary>Writes the page. Images that it shows and that the run has not kept, as those of a run of a comparison, are made and kept
    /// first, where the run's images can still be found.</summary>
    /// <param name="folder">Run folder, finished or not.</param>
    /// <param name="file">Path of the page; an existing file is replaced. Null: <c>report.html</c> in the run.</param>
    /// <param name="dataRoot">Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</param>
    /// <param name="cancellationToken">Stops between images.</param>
    /// <returns>A sentence that says why images are missing from the page; null if none is.</returns>
    /// <exception cref="SchaneException">No such run, it holds nothing to report, a file of it is damaged, or the
    /// page can't be written.</exception>
    public static string? Write(string folder, string? file = null, string? dataRoot = null, CancellationToken cancellationToken = default)
    {
        var run = RunFolder.Open(folder);
        var recipe = SavedRun.RecipeOf(run);
        if (recipe.NoThumbnails == true)
        {
            RunReport.Write(run.Root, file ?? run.Report);
            return null;
        }
        using var keeper = new LateKeeper(run, recipe, dataRoot, cancellationToken);
        RunReport.Write(run.Root, file ?? run.Report, keeper);
        return keeper.Missing;
    }

    /// <summary>Writes two runs side by side; what of the images shown neither has kept is kept in the first, where its images can still be
    /// found.</summary>
    /// <returns>What each got right, and a sentence that says why images are missing from the page; null if none is.</returns>
    /// <exception cref="SchaneException">A run is not finished, their images differ, or the page can't be written.</exception>
    public static (PairedAnswers Answers, string? Missing) WriteAgainst(RunFolder run, RunFolder other, string file, string? dataRoot,
        CancellationToken stop)
    {
        var recipe = SavedRun.RecipeOf(run);
        using var keeper = recipe.NoThumbnails == true ? null : new LateKeeper(run, recipe, dataRoot, stop);
        return (PairedReport.Write(run, other, file, keeper), keeper?.Missing);
    }

    /// <summary>Opens the run's data and model where the page asks for more than the run has kept.</summary>
    private sealed class LateKeeper(RunFolder run, Recipe recipe, string? dataRoot, CancellationToken stop) : IImageKeeper, IDisposable
    {
        private readonly Thumbnails kept = new(run.Thumbnails);
        private readonly Lazy<RunModel> model = new(() => RunModel.Load(run.Model, "cpu"));
        private ImageKeeper? keeper;

        /// <summary>Why images are missing from the page; null if none is.</summary>
        public string? Missing { get; private set; }

        public void KeepThumbnails(string part, IEnumerable<string> images, bool atLeisure) =>
            Keep(part, images, keeper => keeper.KeepThumbnails(part, images));

        public void KeepActivations(string part, IReadOnlyDictionary<string, string> takenFor) =>
            Keep(Thumbnails.Activations(part), takenFor.Keys, keeper => keeper.KeepActivations(part, takenFor));

        private void Keep(string part, IEnumerable<string> images, Action<ImageKeeper> keep)
        {
            if (Missing is not null || images.All(image => kept.Find(part, image) is not null))
                return;
            try
            {
                keep(keeper ??= new(DataSetup.Open(recipe, dataRoot, SavedRun.SplitsOf(run)), run, model, CPU,
                    Directory.Exists(run.Thumbnails) ? null : EmbeddedImages.Load(run.Embeddings), stop));
            }
            catch (SchaneException e)
            {
                Missing = $"Images that the run has not kept are missing from the page: {e.Message}";
            }
        }

        public void Dispose()
        {
            if (model.IsValueCreated)
                model.Value.Dispose();
        }
    }
}
