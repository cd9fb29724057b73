using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Jobs.Folds;
using Schane.Planning;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Jobs;

/// <summary>What enrolling images did, and what to expect of their class. Shares lie in 0 to 1.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Images">Images that it is known from now.</param>
/// <param name="Added">How many of them were given this time.</param>
/// <param name="Threshold">Cosine to its prototype from which on an image is not unknown: 95 % of the held-out images have it to the
/// nearest prototype of a trained class.</param>
/// <param name="Expected">
/// Recall to expect: what held-out images of the trained classes would get if their class had been enrolled from as many of its training
/// images. The model learned to tell those classes apart, so a class that is unlike them will get less. NaN where no class has that many.
/// </param>
/// <param name="ExpectedFrom">Held-out images that this is measured on.</param>
/// <param name="LeftOut">Share of the images that are nearest to the prototype of the others; null for one image.</param>
/// <param name="Taken">Share of the held-out images of other classes that are nearer to the class than to any other; null where folds
/// held them out, whose models have not seen it.</param>
/// <param name="UnknownFound">Share of the held-out images that would be called unknown if their own class were not there.</param>
public sealed record Enrolment(string Class, int Images, int Added, double Threshold, double Expected, int ExpectedFrom, double? LeftOut,
    double? Taken, double UnknownFound);

/// <summary>Adds classes to a run from a few images, without training: what <c>schane enroll</c> does.</summary>
/// <remarks>Prototypes are means of unit embeddings (Snell et al. 2017, arXiv:1703.05175), compared by cosine.</remarks>
public static class EnrollJob
{
    private const double Accepted = 0.95;

    /// <summary>Adds images of a class, which is new or was enrolled before; predictions from the run know it from then on.</summary>
    /// <param name="folder">Run folder; <c>enrolled.safetensors</c> is written there.</param>
    /// <param name="name">Name of the class.</param>
    /// <param name="images">Images of it, at least one.</param>
    /// <param name="device">Where to compute.</param>
    /// <exception cref="SchaneException">The class is a trained one, an image can't be read, or the run has kept no embeddings of training
    /// and held-out images.</exception>
    public static Enrolment Run(string folder, string name, IReadOnlyList<string> images, string device = "cpu")
    {
        ArgumentNullException.ThrowIfNull(images);
        var run = RunFolder.Open(folder);
        using var _ = run.Lock();
        using var classifier = Classifier.Load(folder, new() { Device = device });
        if (classifier.IsMultiLabel)
            throw LabelSetChoice.Refused("an enrolled class takes the place of the one that is most probable", "put its images among the " +
                "training data and train again");
        if (string.IsNullOrWhiteSpace(name))
            throw new SchaneException("The class needs a name: --class NAME.");
        if (classifier.Card.Classes.Contains(name))
            throw new SchaneException($"Class '{Printable.Escape(name)}' is one that run '{run.Name}' was trained on, which takes no " +
                "more images; choose another name, or put them among the training data and train again.");
        if (images.Count == 0)
            throw new SchaneException($"Class '{Printable.Escape(name)}' needs at least one image.");
        var (train, held) = Embeddings(run, classifier.EmbeddingWidth);
        float[] given = [.. images.SelectMany(path =>
        {
            using var file = Open(path);
            return classifier.Embed(file, path);
        })];
        var enrolled = (EnrolledClasses.Load(run) ?? Begin(train, held)).With(name, given);
        if (KnownImages.Load(run) is null)
            KnownImages.Of(train, held).Save(run);
        enrolled.Save(run);
        return Judge(name, images.Count, enrolled, held);
    }

    /// <summary>The enrolled classes of a run in their order, and how many images each is known from.</summary>
    /// <param name="folder">Run folder.</param>
    /// <exception cref="SchaneException">No run there, or the file of its enrolled classes is damaged.</exception>
    public static IReadOnlyList<KeyValuePair<string, int>> List(string folder) =>
        EnrolledClasses.Load(RunFolder.Open(folder)) is not { } enrolled ? []
            : [.. enrolled.Names.Select(name => KeyValuePair.Create(name, enrolled.ImagesOf(name)))];

    /// <summary>Takes an enrolled class out of a run; predictions are then what they were without it.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="name">Name of the class.</param>
    /// <exception cref="SchaneException">No such class was enrolled.</exception>
    public static void Remove(string folder, string name)
    {
        var run = RunFolder.Open(folder);
        using var _ = run.Lock();
        var enrolled = EnrolledClasses.Load(run);
        if (enrolled?.Names.Contains(name) != true)
            throw new SchaneException($"Class '{Printable.Escape(name)}' was not enrolled in run '{run.Name}'" + (enrolled is null
                ? ", and no other was." : $"{Nearest.Hint(name, enrolled.Names)}; `schane enroll RUN --list` has those that were."));
        enrolled.Without(name).Save(run);
    }

    private static EnrolledClasses Begin(EmbeddingSet train, IReadOnlyList<HeldOutEmbeddings> held)
    {
        float[][] cosines = [.. held.SelectMany(pair =>
        {
            var own = TrainedOf(pair.Train);
            return Enumerable.Range(0, pair.Held.Count).Select(i => own.Cosines(pair.Held.Row(i)));
        })];
        var temperature = CalibratedConfidence.TemperatureOf([.. cosines.SelectMany(row => row.Select(cosine => (double)cosine))],
            train.Classes.Count, [.. held.SelectMany(pair => pair.Held.Labels).Select(label => (long)label)]);
        var nearest = cosines.Select(row => row.Max()).Order().ToArray();
        return new([], [], [], TrainedOf(train), temperature, nearest[(int)((1 - Accepted) * nearest.Length)]);
    }

    private static Prototypes TrainedOf(EmbeddingSet train) =>
        Prototypes.Of(train.Values, train.Width, train.Labels, train.Classes.Count);

    private static Enrolment Judge(string name, int added, EnrolledClasses enrolled, IReadOnlyList<HeldOutEmbeddings> held)
    {
        var place = enrolled.Trained.Count + enrolled.Names.ToList().IndexOf(name);
        var (images, all) = (enrolled.ImagesOf(name), held.Sum(pair => pair.Held.Count));
        var (hits, tries, unknown) = (0, 0, 0);
        foreach (var (train, others) in held)
        {
            var known = KnownImages.Of(train, held);
            var (found, tried) = Expect(train, others, enrolled.Threshold, images, known);
            (hits, tries) = (hits + found, tries + tried);
            unknown += Enumerable.Range(0, others.Count).Count(i => known.Distance(others.Row(i), others.Labels[i]) > known.Threshold);
        }
        return new(name, images, added, enrolled.Threshold, (double)hits / tries, tries, LeftOut(enrolled, name),
            held is [(_, var whole)] ? (double)Enumerable.Range(0, all).Count(i =>
                NearestOf(enrolled.Prototypes.Cosines(whole.Row(i))) == place) / all : null, (double)unknown / all);
    }

    private static (EmbeddingSet Train, IReadOnlyList<HeldOutEmbeddings> Held) Embeddings(RunFolder run, int width)
    {
        if (!File.Exists(run.Embeddings))
            throw new SchaneException(
                $"Run '{run.Name}' has no embeddings.safetensors, which prototypes are made from; train it again with this version.");
        var all = EmbeddedImages.Load(run.Embeddings);
        var train = all.Part("train")?.Embeddings
            ?? throw new SchaneException($"The embeddings of run '{run.Name}' hold no training images; train it again.");
        var held = FoldEmbeddings.Of(run, RunResults.Load(run.Results), all);
        if (held.Count == 0)
            throw new SchaneException(
                $"Run '{run.Name}' has no held-out images to choose a threshold on; train it with a val or test part.");
        return train.Width == width ? (train, held)
            : throw new SchaneException($"The embeddings of run '{run.Name}' are {train.Width} wide and the model's are {width}, since " +
                "it was trained with a projection; train it without --projection to enrol classes.");
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be opened: {Printable.Escape(e.Message)}", e);
        }
    }

    /// <summary>Enrols each trained class from as many of its images, with its others gone, and counts the held-out images of it that are
    /// recognised and not unknown.</summary>
    private static (int Hits, int Tries) Expect(EmbeddingSet train, EmbeddingSet held, double threshold, int shots, KnownImages known)
    {
        var (trained, hits, tries) = (TrainedOf(train), 0, 0);
        for (var label = 0; label < trained.Count; label++)
        {
            var own = Enumerable.Range(0, train.Count).Where(i => train.Labels[i] == label).ToArray();
            var tests = Enumerable.Range(0, held.Count).Where(i => held.Labels[i] == label).ToArray();
            if (own.Length < shots || tests.Length == 0)
                continue;
            new SampleRandom(0, label).Shuffle<int>(own);
            var few = Prototypes.Of([.. own.Take(shots).SelectMany(i => train.Row(i).ToArray())], train.Width, new int[shots], 1);
            foreach (var i in tests)
            {
                var cosines = trained.Cosines(held.Row(i));
                cosines[label] = few.Cosines(held.Row(i))[0];
                tries++;
                hits += NearestOf(cosines) == label && (cosines[label] >= threshold
                    || known.Distance(held.Row(i), without: label) <= known.Threshold) ? 1 : 0;
            }
        }
        return (hits, tries);
    }

    private static double? LeftOut(EnrolledClasses enrolled, string name)
    {
        var (others, width) = (enrolled.Without(name).Prototypes, enrolled.Trained.Width);
        int[] own = [.. Enumerable.Range(0, enrolled.Labels.Count).Where(row => enrolled.Names[enrolled.Labels[row]] == name)];
        if (own.Length < 2)
            return null;
        var hits = own.Count(left =>
        {
            float[] rest = [.. own.Where(row => row != left).SelectMany(row => enrolled.Units[(row * width)..((row + 1) * width)])];
            var cosines = others.With(Prototypes.Of(rest, width, new int[own.Length - 1], 1))
                .Cosines(enrolled.Units.AsSpan(left * width, width));
            return NearestOf(cosines) == cosines.Length - 1;
        });
        return (double)hits / own.Length;
    }

    private static int NearestOf(float[] cosines) => Array.IndexOf(cosines, cosines.Max());
}
