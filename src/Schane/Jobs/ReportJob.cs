using Schane.Evaluation.Embeddings;
using Schane.Planning;
using Schane.Reporting;
using Schane.Runs;

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
        Action<string, IEnumerable<string>>? thumbnails = null;
        string? missing = null;
        RunReport.Write(run.Root, file ?? run.Report, (part, images) =>
        {
            var kept = new Thumbnails(run.Thumbnails);
            if (missing is not null || images.All(image => kept.Find(part, image) is not null))
                return;
            try
            {
                thumbnails ??= FinishedRun.KeepThumbnails(DataSetup.Open(recipe, dataRoot, SavedRun.SplitsOf(run)),
                    Directory.Exists(run.Thumbnails) ? null : EmbeddedImages.Load(run.Embeddings), run, cancellationToken);
                thumbnails(part, images);
            }
            catch (SchaneException e)
            {
                missing = $"Images that the run has not kept are missing from the page: {e.Message}";
            }
        });
        return missing;
    }
}
