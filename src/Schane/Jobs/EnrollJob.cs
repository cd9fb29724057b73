using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Jobs;

/// <summary>What adding a class did, and what to expect of it. Shares lie in 0 to 1.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Images">Images it was made from.</param>
/// <param name="Threshold">Cosine to the nearest prototype below which an image is unknown: 95 % of the
/// held-out images lie above it.</param>
/// <param name="Expected">
/// Recall to expect: what held-out images of the trained classes would get if their class had been enrolled from as many of its training
/// images. The model learned to tell those classes apart, so a class that is unlike them will get less. NaN where no class has that many.
/// </param>
/// <param name="ExpectedFrom">Held-out images that this is measured on.</param>
/// <param name="LeftOut">Share of the given images that are nearest to the prototype of the others; null for one image.</param>
/// <param name="Taken">Share of the held-out images of other classes that are nearer to the new class than to any other.</param>
/// <param name="UnknownFound">Share of the held-out images that would be called unknown if their own class were not there.</param>
public sealed record Enrolment(string Class, int Images, double Threshold, double Expected, int ExpectedFrom, double? LeftOut,
    double Taken, double UnknownFound);

/// <summary>Adds a class to a run from a few images, without training: what <c>schane enroll</c> does.</summary>
/// <remarks>Prototypes are means of unit embeddings (Snell et al. 2017, arXiv:1703.05175), compared by cosine.</remarks>
public static class EnrollJob
{
    private const double Accepted = 0.95;

    /// <summary>Adds the class; predictions from the run know it from then on.</summary>
    /// <param name="folder">Run folder; <c>enrolled.safetensors</c> is written there.</param>
    /// <param name="name">Name of the class.</param>
    /// <param name="images">Images of it, at least one.</param>
    /// <param name="device">Where to compute.</param>
    /// <exception cref="SchaneException">The class exists, an image can't be read, or the run has kept no embeddings of training
    /// and held-out images.</exception>
    public static Enrolment Run(string folder, string name, IReadOnlyList<string> images, string device = "cpu")
    {
        ArgumentNullException.ThrowIfNull(images);
        var run = RunFolder.Open(folder);
        using var _ = run.Lock();
        using var classifier = Classifier.Load(folder, new() { Device = device });
        if (string.IsNullOrWhiteSpace(name))
            throw new SchaneException("The class needs a name: --class NAME.");
        if (classifier.Classes.Contains(name))
            throw new SchaneException($"Class '{Printable.Escape(name)}' exists already in run '{run.Name}'; choose another name.");
        if (images.Count == 0)
            throw new SchaneException($"Class '{Printable.Escape(name)}' needs at least one image.");
        var (train, held) = Embeddings(run, classifier.EmbeddingWidth);
        float[] given = [.. images.SelectMany(path =>
        {
            using var file = Open(path);
            return classifier.Embed(file, path);
        })];
        var trained = Prototypes.Of(train.Values, train.Width, train.Labels, train.Classes.Count);
        var added = Prototypes.Of(given, train.Width, new int[images.Count], 1);
        var before = EnrolledClasses.Load(run);
        var all = (before?.Prototypes ?? trained).With(added);
        var cosines = Enumerable.Range(0, held.Count).Select(i => all.Cosines(held.Row(i))).ToArray();
        var threshold = ThresholdOf(cosines, trained.Count);
        var temperature = CalibratedConfidence.TemperatureOf([.. cosines.SelectMany(c => c.Take(trained.Count).Select(v => (double)v))],
            trained.Count, [.. held.Labels.Select(l => (long)l)]);
        new EnrolledClasses([.. before?.Names ?? [], name], all, temperature, threshold).Save(run);
        var (expected, from) = Expect(train, held, trained, images.Count, threshold);
        return new(name, images.Count, threshold, expected, from, LeftOut(given, before?.Prototypes ?? trained),
            Share(cosines, c => Nearest(c) == c.Length - 1),
            Share([.. cosines.Select((c, i) => WithoutOwn(c, held.Labels[i], trained.Count))], c => c.Max() < threshold));
    }

    private static (EmbeddingSet Train, EmbeddingSet Held) Embeddings(RunFolder run, int width)
    {
        if (!File.Exists(run.Embeddings))
            throw new SchaneException(
                $"Run '{run.Name}' has no embeddings.safetensors, which prototypes are made from; train it again with this version.");
        var all = EmbeddedImages.Load(run.Embeddings);
        var train = all.Part("train")?.Embeddings
            ?? throw new SchaneException($"The embeddings of run '{run.Name}' hold no training images; train it again.");
        var held = (all.Part("val") ?? all.Part("test"))?.Embeddings
            ?? throw new SchaneException(
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

    /// <summary>The cosine that 95 % of the held-out images reach with their nearest trained prototype.</summary>
    private static double ThresholdOf(float[][] cosines, int trained)
    {
        var nearest = cosines.Select(c => c.Take(trained).Max()).Order().ToArray();
        return nearest[(int)((1 - Accepted) * nearest.Length)];
    }

    private static (double Recall, int Images) Expect(EmbeddingSet train, EmbeddingSet held,
        Prototypes trained, int shots, double threshold)
    {
        var (hits, tries) = (0, 0);
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
                hits += Nearest(cosines) == label && cosines[label] >= threshold ? 1 : 0;
            }
        }
        return ((double)hits / tries, tries);
    }

    private static double? LeftOut(float[] given, Prototypes others)
    {
        var (width, count) = (others.Width, given.Length / others.Width);
        if (count < 2)
            return null;
        var hits = Enumerable.Range(0, count).Count(i =>
        {
            float[] rest = [.. given[..(i * width)], .. given[((i + 1) * width)..]];
            var cosines = others.With(Prototypes.Of(rest, width, new int[count - 1], 1)).Cosines(given.AsSpan(i * width, width));
            return Nearest(cosines) == cosines.Length - 1;
        });
        return (double)hits / count;
    }

    // What is left are the other trained classes: the enrolled ones did not belong to the data.
    private static float[] WithoutOwn(float[] cosines, int label, int trained) =>
        [.. cosines.Take(trained).Where((_, c) => c != label), -1f];

    private static int Nearest(float[] cosines) => Array.IndexOf(cosines, cosines.Max());

    private static double Share(float[][] rows, Func<float[], bool> holds) => (double)rows.Count(holds) / rows.Length;
}
