using Schane.Data;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Planning;
using Schane.Reporting;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Keeps in a run what its page shows of images, from its data and its model.</summary>
internal sealed class ImageKeeper : IImageKeeper
{
    /// <summary>Images of one pass.</summary>
    private const int Rows = 8;

    private readonly DataSetup data;
    private readonly Thumbnails thumbnails;
    private readonly Lazy<RunModel> model;
    private readonly Device device;
    private readonly Func<bool>? hasTime;
    private readonly CancellationToken stop;

    /// <param name="data">The run's data.</param>
    /// <param name="run">Where they are kept.</param>
    /// <param name="model">The trained model; stays the caller's.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="embedded">Of its training images some are kept, too, which servers show beside an answer; null for none.</param>
    /// <param name="stop">Stops between images.</param>
    /// <param name="hasTime">Whether there is time for what the page can be read without; null for always.</param>
    public ImageKeeper(DataSetup data, RunFolder run, Lazy<RunModel> model, Device device, EmbeddedImages? embedded,
        CancellationToken stop, Func<bool>? hasTime = null)
    {
        (this.data, this.model, this.device, this.stop, this.hasTime) = (data, model, device, stop, hasTime);
        thumbnails = new Thumbnails(run.Thumbnails);
        if (embedded?.Part("train") is { } train)
            KeepThumbnails("train", EvenShare.Rows(train.Embeddings.Labels, Thumbnails.MostOfPart).Select(row => train.Images[row]),
                atLeisure: true);
    }

    public void KeepThumbnails(string part, IEnumerable<string> images, bool atLeisure = false) =>
        thumbnails.Keep(part, Part(part), images, atLeisure ? hasTime : null, stop);

    public void KeepActivations(string part, IReadOnlyDictionary<string, string> takenFor)
    {
        var (set, kept) = (Part(part), Thumbnails.Activations(part));
        int[] missing = [.. Enumerable.Range(0, set.Count).Where(i => takenFor.ContainsKey(set.NameOf(i))
            && thumbnails.Find(kept, set.NameOf(i)) is null)];
        if (missing.Length == 0)
            return;
        var (classes, input) = (model.Value.Classes.ToList(), model.Value.Input);
        var pass = new TorchPass(model.Value, device);
        var transform = TransformPreset.Find(model.Value.Augmentation).Evaluation(input);
        foreach (var rows in missing.Where(i => classes.Contains(takenFor[set.NameOf(i)])).Chunk(Rows))
        {
            stop.ThrowIfCancellationRequested();
            PreparedImage[] images = [.. rows.Select(Prepared)];
            if (pass.Activations(PreparedImage.Join(images), [.. images.Select(image => classes.IndexOf(takenFor[image.Name]))],
                prototypes: null) is not { } maps)
                return;
            for (var i = 0; i < images.Length; i++)
                thumbnails.Keep(kept, images[i].Name, ClassActivation.Draw(images[i].Pixels, input, maps, i));
        }

        PreparedImage Prepared(int index)
        {
            var pixels = new float[input.Channels * input.Size * input.Size];
            var random = new SampleRandom();
            transform.Apply(set.Read(index), ref random, pixels);
            return new(set.NameOf(index), pixels);
        }
    }

    private IImageDataset Part(string part) => part switch
    {
        "test" => data.Test!,
        "val" => data.Validation!,
        "runs" => EvaluateJob.ImagesOf(data.OneShot!),
        _ => data.Train,
    };
}
