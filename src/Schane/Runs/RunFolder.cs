using System.Text.Json;
using Schane.Checkpoints;

namespace Schane.Runs;

/// <summary>The folder of one run and the names of what it holds (docs/design.md §4). A run can be moved; it
/// holds no absolute paths.</summary>
public sealed class RunFolder
{
    /// <summary>Format of the folder; a later one is refused.</summary>
    private const int Format = 1;

    private RunFolder(string path) => Root = path;

    /// <summary>Schane's version, as runs record it.</summary>
    public static string Version { get; } = typeof(RunFolder).Assembly.GetName().Version!.ToString(3);

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>Its name, for people.</summary>
    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Root)));

    /// <summary>The resolved recipe.</summary>
    public string Recipe => At("recipe.yaml");

    /// <summary>Which images stood in which part.</summary>
    public string Splits => At("splits.json");

    /// <summary>What happened, one JSON object a line.</summary>
    public string Journal => At("journal.jsonl");

    /// <summary>Trained weights with architecture, classes and preprocessing as metadata.</summary>
    public string Model => At("model.safetensors");

    /// <summary>What LoRA trained, adapters and heads, with the name of the trunk's weights, where a run had adapters.</summary>
    public string Adapter => At("adapter.safetensors");

    /// <summary>Metrics of the finished run.</summary>
    public string Results => At("results.json");

    /// <summary>Each measured item with its answer.</summary>
    public string Predictions => At("predictions.parquet");

    /// <summary>Embeddings of the training and the measured images.</summary>
    public string Embeddings => At("embeddings.safetensors");

    /// <summary>Embeddings of training images, and how far from them an image may lie before it is unknown.</summary>
    public string Known => At("known.safetensors");

    /// <summary>Classes that were added without training.</summary>
    public string Enrolled => At("enrolled.safetensors");

    /// <summary>Folder of thumbnails of its images.</summary>
    public string Thumbnails => At("thumbnails");

    /// <summary>Images that were left out, where a list of them was given.</summary>
    public string Exclude => At("exclude.csv");

    /// <summary>Images that got another label, where a list of them was given.</summary>
    public string Relabel => At("relabel.csv");

    /// <summary>Labels that a model gave to images without any, where the run learnt from such.</summary>
    internal string PseudoLabels => At("pseudo-labels.csv");

    /// <summary>Recipe of a run that labels images itself, with the places of the data; not to be shared.</summary>
    internal string SelfTraining => Path.Combine(Checkpoints, "self-training.yaml");

    /// <summary>Training images whose label looks wrong, where they were looked for.</summary>
    public string LabelErrors => At("label-errors.csv");

    /// <summary>The page on which a person goes through them.</summary>
    internal string LabelPage => At("label-errors.html");

    /// <summary>The page for people.</summary>
    public string Report => At("report.html");

    /// <summary>Recipes of the stages of a run that has several, with the places of the data; not to be shared.</summary>
    internal string Stages => Path.Combine(Checkpoints, "stages.yaml");

    /// <summary>Runs of the stages before the last.</summary>
    internal string EarlierStages => At("stages");

    /// <summary>Recipe of a run that folds measure, with the place of the data; not to be shared.</summary>
    internal string FoldsRecipe => Path.Combine(Checkpoints, "folds.yaml");

    /// <summary>Runs that each left out a fold of the images, and measured the recipe on it.</summary>
    internal string Folds => At("folds");

    /// <summary>Folder of TensorBoard's events, where they were asked for; their names hold the machine's name.</summary>
    public string TensorBoard => At("tensorboard");

    /// <summary>Folder of the checkpoints.</summary>
    public string Checkpoints => At("checkpoints");

    /// <summary>Where the data lay, for resuming on this machine; not to be shared, unlike the rest.</summary>
    internal string Source => Path.Combine(Checkpoints, "source.txt");

    /// <summary>The recipe as the run was begun with it.</summary>
    internal string FirstRecipe => Path.Combine(Checkpoints, "recipe.yaml");

    /// <summary>Runs that each left some training images out, to judge their labels.</summary>
    internal string LabelFolds => At("label-folds");

    /// <summary>The weights the run began with: reference, revision, sizes and hashes.</summary>
    internal string Weights => Path.Combine(Checkpoints, "weights.json");

    /// <summary>Makes a new run folder.</summary>
    /// <param name="path">Where; folders above it are made too.</param>
    /// <param name="force">Replaces an existing run.</param>
    /// <exception cref="SchaneException">Something stands there already, or the folder can't be made.</exception>
    public static RunFolder Create(string path, bool force)
    {
        RequireFree(path, force);
        var folder = new RunFolder(path);
        try
        {
            Directory.CreateDirectory(folder.Checkpoints);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new SchaneException($"The run folder '{path}' can't be made ({e.Message.TrimEnd('.')}); name another with --out.", e);
        }
        using (folder.Lock())
            folder.Clear();
        AtomicFile.WriteText(folder.At("run.json"), JsonSerializer.Serialize(new { format = Format, schane = Version }) + "\n");
        return folder;
    }

    /// <summary>Refuses a path where no new run can be made; a run that ended before its first checkpoint is in nobody's way.</summary>
    /// <exception cref="SchaneException">Something stands there already.</exception>
    internal static void RequireFree(string path, bool force)
    {
        if (File.Exists(path))
            throw new SchaneException($"'{path}' is a file; name a folder for the run with --out.");
        if (!Directory.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any())
            return;
        if (!File.Exists(Path.Combine(path, "run.json")))
            throw new SchaneException($"'{path}' is not empty and holds no run; name another folder with --out.");
        if (!force && new RunFolder(path).HasBegun)
            throw new SchaneException($"'{path}' holds a run already; continue it with --resume, replace it with --force, or name " +
                "another folder with --out.");
    }

    /// <summary>Whether there is something to lose: a checkpoint, results, an earlier stage or a fold.</summary>
    internal bool HasBegun => File.Exists(Results) || File.Exists(Model) || Directory.Exists(EarlierStages)
        || (Directory.Exists(Folds) && Directory.EnumerateDirectories(Folds).Any(fold => Elsewhere(fold).HasBegun))
        || (Directory.Exists(Checkpoints) && Directory.EnumerateFiles(Checkpoints, "step-*").Any());

    /// <summary>Opens an existing run.</summary>
    /// <exception cref="SchaneException">No run there, or one that a later version wrote.</exception>
    public static RunFolder Open(string path)
    {
        var mark = Path.Combine(path, "run.json");
        if (!Directory.Exists(path))
            throw new SchaneException($"There is no run folder '{path}'.");
        if (!File.Exists(mark))
            throw new SchaneException($"'{path}' is not a run folder: it has no run.json.");
        int format;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(mark));
            format = json.RootElement.GetProperty("format").GetInt32();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new SchaneException($"'{mark}' is damaged: it must say {{\"format\": {Format}}}.", e);
        }
        if (format > Format)
            throw new SchaneException($"Run '{path}' has format {format}, and this version reads up to {Format}; update schane.");
        return new RunFolder(path);
    }

    /// <summary>A run that another process made and writes, whether this machine sees it or not.</summary>
    internal static RunFolder Elsewhere(string root) => new(root);

    /// <summary>The run below a folder that was at work last.</summary>
    /// <exception cref="SchaneException">There is none.</exception>
    public static RunFolder Latest(string parent)
    {
        var runs = Directory.Exists(parent)
            ? Directory.GetDirectories(parent).Where(path => File.Exists(Path.Combine(path, "run.json"))) : [];
        return Open(runs.MaxBy(path => File.GetLastWriteTimeUtc(new RunFolder(path).Journal))
            ?? throw new SchaneException($"There is no run in '{parent}'; name one: --resume RUN."));
    }

    /// <summary>Keeps other processes off this run until disposed; the lock dies with the process.</summary>
    /// <exception cref="SchaneException">Another process works on it, or the folder can't be written.</exception>
    public IDisposable Lock()
    {
        try
        {
            return new FileStream(At("run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is UnauthorizedAccessException
            or IOException { HResult: ReadOnlyFileSystem or WriteProtected })
        {
            throw new SchaneException($"The run folder '{Root}' is read-only here; copy it to where you may write, change its " +
                "permissions, or name another with --out.", e);
        }
        catch (IOException e) when (File.Exists(At("run.lock")))
        {
            throw new SchaneException($"Another process is at work on run '{Root}'; wait for it, or name another folder with --out.", e);
        }
    }

    /// <summary>Takes away what a new run has left, and the folder if nothing else stands in it.</summary>
    internal void Remove()
    {
        Clear();
        File.Delete(At("run.json"));
        File.Delete(At("run.lock"));
        foreach (var folder in (string[])[Checkpoints, Root])
            if (!Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
    }

    private const int ReadOnlyFileSystem = 30, WriteProtected = unchecked((int)0x80070013);    // EROFS; Windows

    private string At(string name) => Path.Combine(Root, name);

    private void Clear()
    {
        foreach (var file in (string[])[Recipe, Splits, Journal, Model, Adapter, Results, Predictions, Embeddings, Known, Enrolled,
            Exclude, Relabel, PseudoLabels, LabelErrors, LabelPage, Report])
            File.Delete(file);
        foreach (var folder in (string[])[TensorBoard, EarlierStages, Folds, Thumbnails, LabelFolds])
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        foreach (var file in Directory.EnumerateFiles(Checkpoints))
            File.Delete(file);
    }
}
