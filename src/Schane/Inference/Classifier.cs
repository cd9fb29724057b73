using Microsoft.Extensions.AI;
using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Inference;

/// <summary>A trained model that names what images show. Thread-safe: images are decoded side by side and pass the
/// model one call at a time.</summary>
public sealed partial class Classifier : IDisposable
{
    private readonly IModelPass pass;
    private readonly InferenceOptions options;
    private readonly ImagePipeline transform;
    private readonly EnrolledClasses? enrolled;
    private readonly KnownImages? known;
    private readonly List<string> classes;
    private readonly Lock gate = new();

    private Classifier(IModelPass pass, RunFolder? run, InferenceOptions options)
    {
        (this.pass, this.options) = (pass, options);
        enrolled = run is null ? null : EnrolledClasses.Load(run);
        known = run is null ? null : KnownImages.Load(run);
        transform = TransformPreset.Find(Card.Augmentation).Evaluation(Card.Input);
        classes = [.. Card.Classes, .. enrolled?.Names ?? []];
        if (options.Logger is { } logger)
            Loaded(logger, Card.Architecture, Classes.Count);
    }

    /// <summary>Opens what a training left.</summary>
    /// <param name="path">A run folder, or the <c>model.safetensors</c>, <c>adapter.safetensors</c> or ONNX file made from one.</param>
    /// <param name="options">Null for <see cref="InferenceOptions.Default"/>.</param>
    /// <exception cref="SchaneException">Nothing there, no model of Schane's, one of a later version, or no such device; or
    /// this machine computes the model wrong.</exception>
    public static Classifier Load(string path, InferenceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= InferenceOptions.Default;
        if (!Directory.Exists(path) && !File.Exists(path))
            throw new SchaneException(
                $"There is no run, safetensors or ONNX file '{Printable.Escape(path)}'; check the path, or make a run with schane train.");
        var run = Directory.Exists(path) ? RunFolder.Open(path) : null;
        var (pass, notice) = run is null && Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase)
            ? (OnnxFile(path, options), null) : PassOf(run?.Model ?? path, options);
        try
        {
            return new(pass, run, options) { Notice = notice };
        }
        catch
        {
            pass.Dispose();
            throw;
        }
    }

    /// <summary>What loading has to tell people; null for nothing.</summary>
    public string? Notice { get; private init; }

    /// <summary>Whether an image may show several classes, so that <see cref="Prediction.Classes"/> names them.</summary>
    public bool IsMultiLabel => Card.Thresholds is not null;

    /// <summary>Names of the classes it answers with; enrolled ones stand last.</summary>
    public IReadOnlyList<string> Classes => classes;

    /// <summary>D, the width of the embedding.</summary>
    public int EmbeddingWidth => Card.Width;

    /// <summary>How its probabilities were calibrated; null where it was trained without validation images, and its probabilities are the
    /// softmax as it stands.</summary>
    public CalibratedConfidence? Confidence => Card.Confidence;

    /// <summary>What an image may ask for before it is refused undecoded.</summary>
    public ImageLimits Limits => options.Limits;

    internal ModelCard Card => pass.Card;

    /// <summary>The answer for one image.</summary>
    /// <param name="image">An encoded image (JPEG, PNG, GIF, WebP, BMP), read to its end and left open.</param>
    /// <param name="wanted">Null for <see cref="PredictOptions.Default"/>.</param>
    /// <param name="name">Its name in answers and messages.</param>
    /// <exception cref="SchaneException">Not an image, damaged, or over <see cref="InferenceOptions.Limits"/>.</exception>
    public Prediction Predict(Stream image, PredictOptions? wanted = null, string name = "image") =>
        Predict([Prepare(image, name)], wanted)[0];

    /// <summary>What a file shows.</summary>
    /// <param name="path">An image.</param>
    /// <param name="wanted">Null for <see cref="PredictOptions.Default"/>.</param>
    /// <exception cref="SchaneException">The file can't be read as an image; it is named.</exception>
    public Prediction Predict(string path, PredictOptions? wanted = null) => Predict([PrepareFile(path)], wanted)[0];

    /// <summary>The same without holding a thread while the stream is read; the work itself goes to the thread pool.</summary>
    /// <param name="image">An encoded image, read to its end and left open.</param>
    /// <param name="wanted">Null for <see cref="PredictOptions.Default"/>.</param>
    /// <param name="name">Its name in answers and messages.</param>
    /// <param name="cancellationToken">Stops before the work begins.</param>
    /// <exception cref="SchaneException">Not an image, damaged, or over <see cref="InferenceOptions.Limits"/>.</exception>
    public async Task<Prediction> PredictAsync(Stream image, PredictOptions? wanted = null, string name = "image",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        var bytes = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = await image.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0; RequireSize(bytes.Length, name))
            bytes.Write(buffer, 0, read);
        return await Task.Run(() => Predict([Prepare(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), name)], wanted)[0],
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What many files show, in their order: the next files are decoded while the model works, and memory does not
    /// grow with their number.</summary>
    /// <param name="paths">Images; read as they are needed.</param>
    /// <param name="wanted">Null for <see cref="PredictOptions.Default"/>.</param>
    /// <param name="progress">Told how many are done after each pass.</param>
    /// <param name="cancellationToken">Stops between answers.</param>
    /// <exception cref="SchaneException">A file can't be read as an image, and such are not to be skipped.</exception>
    public IEnumerable<Prediction> PredictFiles(IEnumerable<string> paths, PredictOptions? wanted = null, IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        wanted ??= PredictOptions.Default;
        using var chunks = paths.Chunk(options.Batch).GetEnumerator();
        Task<(PreparedImage? Image, Prediction? Bad)[]>? Ahead()
        {
            if (!chunks.MoveNext())
                return null;
            var some = chunks.Current;
            return Task.WhenAll(some.Select(path => Task.Run(() => Read(path, wanted), cancellationToken)));
        }
        var done = 0;
        List<(PreparedImage? Image, Prediction? Bad)> waiting = [];
        for (var next = Ahead(); next is not null;)
        {
            var read = next.GetAwaiter().GetResult();
            next = Ahead();
            waiting.AddRange(read);
            progress?.Report(done += read.Length);
            foreach (var answer in Answers(waiting, isLast: next is null, isAlone: next is null && done == 1, wanted))
            {
                yield return answer;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>What prepared images show, in one pass of the model.</summary>
    /// <param name="images">At least one, from <see cref="Prepare(Stream, string)"/> of this classifier.</param>
    /// <param name="wanted">Null for <see cref="PredictOptions.Default"/>.</param>
    /// <exception cref="ArgumentException">None given, or one is of another size.</exception>
    /// <exception cref="SchaneException">A precision is asked for that the validation images don't give, or there were none.</exception>
    public IReadOnlyList<Prediction> Predict(IReadOnlyList<PreparedImage> images, PredictOptions? wanted = null)
    {
        wanted ??= PredictOptions.Default;
        var threshold = wanted.AbstainBelow is { } precision ? ThresholdAt(precision).Threshold : 0;
        var (embeddings, logits) = Run(images);
        Prediction[] answers = [.. images.Select((image, i) => Answer(image.Name, embeddings.AsSpan(i * EmbeddingWidth, EmbeddingWidth),
            logits.AsSpan(i * Card.Classes.Count, Card.Classes.Count), wanted, threshold))];
        return wanted.Why ? Explain(images, answers) : answers;
    }

    /// <summary>The embedding of one image, [D], as the model gives it (not normalised).</summary>
    /// <inheritdoc cref="Predict(Stream, PredictOptions?, string)"/>
    public float[] Embed(Stream image, string name = "image") => Run([Prepare(image, name)]).Embeddings;

    /// <summary>The embeddings of prepared images, [n, D] row by row.</summary>
    /// <param name="images">At least one.</param>
    public float[] Embed(IReadOnlyList<PreparedImage> images) => Run(images).Embeddings;

    /// <summary>The embeddings by the contract of Microsoft.Extensions.AI, as vector stores take them: encoded images to [D] each, in
    /// their order. What it gives stays valid as long as this classifier, which stays the caller's.</summary>
    public IEmbeddingGenerator<DataContent, Embedding<float>> AsEmbeddingGenerator() => new ImageEmbeddingGenerator(this);

    /// <summary>Decodes an image and makes it into what the model takes; any number of threads may do so at once.</summary>
    /// <param name="image">An encoded image, read to its end and left open.</param>
    /// <param name="name">Its name in answers and messages.</param>
    /// <exception cref="SchaneException">Not an image, damaged, or over <see cref="InferenceOptions.Limits"/>.</exception>
    public PreparedImage Prepare(Stream image, string name = "image")
    {
        ArgumentNullException.ThrowIfNull(image);
        using var bytes = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = image.Read(buffer)) > 0; RequireSize(bytes.Length, name))
            bytes.Write(buffer, 0, read);
        return Prepare(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), name);
    }

    /// <summary>The same from the bytes of a file.</summary>
    /// <inheritdoc cref="Prepare(Stream, string)"/>
    /// <param name="file">The whole encoded image.</param>
    /// <param name="name">Its name in answers and messages.</param>
    public PreparedImage Prepare(ReadOnlySpan<byte> file, string name)
    {
        var picture = ImageDecoder.Decode(file, name, options.Limits);
        var (channels, height, width) = transform.Output;
        var pixels = new float[channels * height * width];
        var random = new SampleRandom();
        transform.Apply(picture, ref random, pixels);
        return new(name, pixels);
    }

    /// <summary>Runs the model once on zeros, so that the first image does not wait for lazy initialisation.</summary>
    /// <param name="images">Images of the largest pass that will come, at least 1.</param>
    public void WarmUp(int images = 1)
    {
        var (channels, height, width) = transform.Output;
        Run([.. Enumerable.Repeat(new PreparedImage("nothing", new float[channels * height * width]), Require.AtLeast(images, 1))]);
    }

    /// <summary>The confidence below which answers are withheld for a precision, with what share that leaves and how right it is.</summary>
    /// <param name="precision">Above 0 to 1.</param>
    /// <exception cref="SchaneException">There were no validation images, or none of their confidences reaches it.</exception>
    public OperatingPoint ThresholdAt(double precision) => (Card.Thresholds is not null
        ? throw new SchaneException("This model may name several classes, each from a threshold of its own on, and withholds none; leave " +
            "--abstain-below out.")
        : Confidence
        ?? throw new SchaneException("This model was trained without validation images, so no precision can be promised; leave " +
            "--abstain-below out, or train with a val part.")).AtPrecision(precision);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
            pass.Dispose();
    }
}
