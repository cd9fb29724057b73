using Schane.Data;
using Schane.Data.Transforms;
using Schane.Export;
using Schane.Planning;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Jobs.Int8;

/// <summary>A run's own images for a file in int8: some that its ranges are taken from, and others that it is measured on.</summary>
/// <param name="Calibration">Training images, evenly of all.</param>
/// <param name="Measured">Held-out images, evenly of all; other training images where the run keeps none aside.</param>
/// <param name="Source">What <paramref name="Measured"/> are, for people.</param>
internal sealed record Int8Images(Int8Images.Part Calibration, Int8Images.Part Measured, string Source)
{
    /// <summary>The most images that ranges are taken from, and that are measured.</summary>
    public const int MostCalibration = 256, MostMeasured = 1000;

    /// <param name="run">Null where there is a file of weights alone.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <exception cref="SchaneException">The run has no images, or they can't be opened.</exception>
    public static Int8Images Of(RunFolder? run, string? dataRoot)
    {
        if (run is null)
            throw new SchaneException("A file of weights alone has no images, and int8 takes its ranges from a run's own; name the run " +
                "folder, or store float16.");
        DataSetup data;
        try
        {
            data = DataSetup.Open(SavedRun.RecipeOf(run), dataRoot, SavedRun.SplitsOf(run));
        }
        catch (SchaneException e)
        {
            throw new SchaneException("Int8 takes its ranges from the run's own images, and these can't be opened: " +
                $"{e.Message.TrimEnd('.')}; bring them back, or store float16.", e);
        }
        if (data.Train.IsMultiLabel)
            throw LabelSetChoice.Refused("what int8 costs is measured by the one class that is named", "store float16");
        return Of(data.Train, data.Test, data.Validation);
    }

    /// <param name="train">Training images.</param>
    /// <param name="test">Test images; null for none.</param>
    /// <param name="validation">Validation images; null for none.</param>
    /// <exception cref="SchaneException">Fewer than two training images, and nothing else.</exception>
    public static Int8Images Of(IImageDataset train, IImageDataset? test, IImageDataset? validation)
    {
        var (held, source) = test is { Count: > 0 } ? (test, "the run's test part")
            : validation is { Count: > 0 } ? (validation, "the run's validation part") : (null, "");
        if (train.Count < (held is null ? 2 : 1))
            throw new SchaneException(
                $"Int8 takes its ranges from training images and is measured on others, but the run has {train.Count}; store float16.");
        if (held is not null)
            return new(Part.Of(train, [.. Enumerable.Range(0, train.Count)], MostCalibration),
                Part.Of(held, [.. Enumerable.Range(0, held.Count)], MostMeasured), source);
        return new(Part.Of(train, [.. Enumerable.Range(0, train.Count).Where(i => i % 2 == 0)], MostCalibration),
            Part.Of(train, [.. Enumerable.Range(0, train.Count).Where(i => i % 2 == 1)], MostMeasured),
            "training images, since the run keeps none aside");
    }

    /// <summary>Some images of a data set.</summary>
    /// <param name="Images">The data set.</param>
    /// <param name="Indices">Which.</param>
    public sealed record Part(IImageDataset Images, IReadOnlyList<int> Indices)
    {
        public static Part Of(IImageDataset images, int[] from, int most)
        {
            var count = Math.Min(from.Length, most);
            return new(images, [.. Enumerable.Range(0, count).Select(i => from[(long)i * from.Length / count])]);
        }

        /// <summary>The images as a file takes them, some at a time; what can't be read is left out.</summary>
        /// <param name="file">The file.</param>
        /// <param name="rows">Images at a time, the last time perhaps fewer.</param>
        /// <param name="stop">Stops between images.</param>
        public IEnumerable<(Memory<float> Pixels, List<int> Labels)> For(OnnxModel file, int rows, CancellationToken stop)
        {
            var transform = TransformPreset.Find(file.Augmentation).Evaluation(file.Input);
            var size = file.Input.Channels * file.Input.Size * file.Input.Size;
            var pixels = new float[rows * size];
            List<int> labels = [];
            foreach (var index in Indices)
            {
                stop.ThrowIfCancellationRequested();
                try
                {
                    var random = new SampleRandom();
                    transform.Apply(Images.Read(index), ref random, pixels.AsSpan(labels.Count * size, size));
                }
                catch (SchaneException)                                   // others of it are enough
                {
                    continue;
                }
                labels.Add(Images.LabelOf(index));
                if (labels.Count < rows)
                    continue;
                yield return (pixels, labels);
                labels = [];
            }
            if (labels.Count > 0)
                yield return (pixels.AsMemory(0, labels.Count * size), labels);
        }
    }
}
