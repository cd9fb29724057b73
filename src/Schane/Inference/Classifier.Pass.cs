using Microsoft.Extensions.Logging;
using Schane.Checkpoints.Hub;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Evaluation;
using Schane.Export;
using Schane.Tensors;

namespace Schane.Inference;

public sealed partial class Classifier
{
    private static OnnxPass OnnxFile(string path, InferenceOptions options) => options.Device == "cpu" ? new(OnnxModel.Open(path), path)
        : throw new SchaneException($"'{Printable.Escape(path)}' is an ONNX file, which is computed on the processor, but the device is " +
            $"'{options.Device}'. Leave --device out, or name the run instead.");

    /// <summary>What computes a file of weights, and what is to be told of it.</summary>
    private static (IModelPass Pass, string? Notice) PassOf(string file, InferenceOptions options)
    {
        var cache = HubOptions.DefaultCache();
        var copies = options is { Device: "cpu", Prove: true, UseOnnxRuntime: true };
        if (copies && OnnxCopy.Find(file, cache) is { } found)
            return (found, null);
        var device = Devices.Find(options.Device);
        var model = RunModel.Load(file, options.Device);
        try
        {
            var notice = options.Prove ? LoadProof.Require(model, file, options.Device, cache) : null;
            if (notice is not null && options.Logger is { } logger)
                Told(logger, notice);
            return ((copies ? OnnxCopy.Make(model, file, cache) : null) ?? new TorchPass(model, device), notice);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    internal (float[] Embeddings, float[] Logits) Run(IReadOnlyList<PreparedImage> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var (channels, height, width) = transform.Output;
        var size = channels * height * width;
        if (images.Count == 0)
            throw new ArgumentException("images must hold at least one.", nameof(images));
        if (images.FirstOrDefault(i => i.Pixels.Length != size) is { } odd)
            throw new ArgumentException($"'{odd.Name}' must have {size} pixels but has {odd.Pixels.Length}.", nameof(images));
        var pixels = PreparedImage.Join(images);
        lock (gate)
            return ClassifierTelemetry.Pass(Card, images.Count, () => pass.Run(pixels, images.Count));
    }

    /// <summary>An image that is gray all over, as the model takes it.</summary>
    internal PreparedImage Gray()
    {
        var (channels, height, width) = transform.Output;
        return new("gray", new float[channels * height * width]);
    }

    /// <summary>Whether it can show where in an image it saw a class; runs the model once.</summary>
    internal bool Explains()
    {
        var (channels, height, width) = transform.Output;
        lock (gate)
            return pass.Activations(new float[channels * height * width], [0], enrolled?.Prototypes) is not null;
    }

    /// <summary>The answers with where in each image the most probable class was seen.</summary>
    internal Prediction[] Explain(IReadOnlyList<PreparedImage> images, IReadOnlyList<Prediction> answers)
    {
        ActivationMaps? maps;
        lock (gate)
            maps = pass.Activations(PreparedImage.Join(images), [.. answers.Select(answer => classes.IndexOf(answer.Top[0].Class))],
                enrolled?.Prototypes);
        if (maps is null)
            throw new SchaneException("This model can't tell where in an image it sees a class: ONNX files give no gradients, and a " +
                "program's own backbone must give its features as [n, D, h, w]. Use the run folder, or ask for the answers alone.");
        return [.. answers.Select((answer, i) => answer with { Why = ClassActivation.Draw(images[i].Pixels, Card.Input, maps, i) })];
    }

    private const int Rows = 32, LastRows = 8;

    /// <summary>
    /// Answers for what waits, in its order: as far as whole passes go; of the last images all, in smaller passes, which copies fill up
    /// unless the file is alone. The last bits depend on the number of rows and on the place among them, and these follow from the order
    /// and number of the files, not from <see cref="InferenceOptions.Batch"/>.
    /// </summary>
    private IEnumerable<Prediction> Answers(List<(PreparedImage? Image, Prediction? Bad)> waiting, bool isLast, bool isAlone,
        PredictOptions wanted)
    {
        while (waiting.Count(w => w.Image is not null) is var ready && waiting.Count > 0 && (ready >= Rows || isLast))
        {
            var rows = ready >= Rows ? Rows : LastRows;
            PreparedImage[] images = [.. waiting.Select(w => w.Image).OfType<PreparedImage>().Take(rows)];
            var copies = isAlone || images.Length == 0 ? [] : Enumerable.Repeat(images[0], rows - images.Length);
            var answers = new Queue<Prediction>(images.Length == 0 ? [] : Predict([.. images, .. copies], wanted).Take(images.Length));
            var given = waiting.TakeWhile(w => w.Image is null || answers.Count > 0).Select(w => w.Bad ?? answers.Dequeue()).ToList();
            waiting.RemoveRange(0, given.Count);
            foreach (var answer in given)
                yield return answer;
        }
    }

    private PreparedImage PrepareFile(string path) => Prepare(ImageDecoder.ReadBytes(path, path, options.Limits), path);

    private (PreparedImage? Image, Prediction? Bad) Read(string path, PredictOptions wanted)
    {
        try
        {
            return (PrepareFile(path), null);
        }
        catch (SchaneException e) when (wanted.OnBadImage == OnBadImage.Skip)
        {
            if (options.Logger is { } logger)
                Skipped(logger, e.Message);
            return (null, new Prediction(path, []) { Problem = e.Message });
        }
    }

    private Prediction Answer(string name, ReadOnlySpan<float> embedding, ReadOnlySpan<float> logits,
        PredictOptions wanted, double threshold)
    {
        var thresholds = Card.Thresholds;
        var probabilities = thresholds is not null ? Sigmoids(logits)
            : CalibratedConfidence.Softmax(logits, Confidence?.Temperature ?? 1);
        var isEnrolled = false;
        if (enrolled is not null)
            (probabilities, isEnrolled) = enrolled.Answer(embedding, probabilities);
        var distance = known?.Distance(embedding);
        var isUnknown = distance > known?.Threshold && !isEnrolled;
        if (isUnknown)
            ClassifierTelemetry.Unknown(Card);
        var top = Enumerable.Range(0, probabilities.Length).OrderByDescending(c => probabilities[c]).Take(wanted.Top)
            .Select(c => new ClassProbability(Classes[c], probabilities[c])).ToArray();
        return new(name, top)
        {
            Classes = thresholds?.Named(probabilities).Select(c => new ClassProbability(Classes[c], probabilities[c])).ToArray(),
            Withheld = top[0].Probability < threshold,
            Distance = distance,
            Unknown = isUnknown,
            Embedding = wanted.Embedding ? embedding.ToArray() : null,
        };
    }

    private static double[] Sigmoids(ReadOnlySpan<float> logits)
    {
        var probabilities = new double[logits.Length];
        for (var c = 0; c < logits.Length; c++)
            probabilities[c] = LabelSetScores.Sigmoid(logits[c]);
        return probabilities;
    }

    private void RequireSize(long length, string name)
    {
        if (length > (long)options.Limits.MaxMegabytes << 20)
            throw new SchaneException(
                $"'{Printable.Escape(name)}' has more than {options.Limits.MaxMegabytes} MiB. Shrink it or raise MaxMegabytes.");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Architecture} with {Classes} classes.")]
    private static partial void Loaded(ILogger logger, string architecture, int classes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Notice}")]
    private static partial void Told(ILogger logger, string notice);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Skipped: {Reason}")]
    private static partial void Skipped(ILogger logger, string reason);
}
