using Schane.Data;
using Schane.Data.Reading;
using Schane.Data.Sets;
using Schane.Data.Transforms;
using Schane.Export;
using Schane.Planning;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Jobs;

/// <summary>The images of a parity certificate, made into what the trained model and the exported file take.</summary>
/// <param name="ForModel">[64, channels, size, size], normalised.</param>
/// <param name="ForFile">The same, normalised unless the file does it.</param>
/// <param name="Source">Where they are from, for people.</param>
internal sealed record ParityInputs(float[] ForModel, float[] ForFile, string Source)
{
    private const int Count = ParityCertificate.LeastInputs;

    /// <summary>Images given for it.</summary>
    /// <exception cref="SchaneException">One can't be read, or they are too few.</exception>
    public static ParityInputs OfFiles(IReadOnlyList<string> paths, TransformPreset preset, InputShape input, bool fileNormalises)
    {
        if (paths.Count < Count)
            throw new SchaneException(
                $"The certificate needs {Count} images, but --inputs has {paths.Count}; name more, or leave --inputs out.");
        return Draw([new ImageList(paths)], preset, input, fileNormalises, "of --inputs", skipBad: false);
    }

    /// <summary>Images of the data of a run, look-alikes where there are none or too few.</summary>
    /// <param name="run">Null where there is a file of weights alone.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="preset">How images are prepared.</param>
    /// <param name="input">What the model takes.</param>
    /// <param name="fileNormalises">Whether the exported file normalises.</param>
    public static ParityInputs OfRun(RunFolder? run, string? dataRoot, TransformPreset preset, InputShape input, bool fileNormalises)
    {
        var stead = new LookalikesDataset(LookalikesPart.Test);
        if (run is null)
            return Draw([stead], preset, input, fileNormalises, "look-alikes, since there is no run with data", skipBad: false);
        DataSetup data;
        try
        {
            data = DataSetup.Open(SavedRun.RecipeOf(run), dataRoot, SavedRun.SplitsOf(run));
        }
        catch (SchaneException e)
        {
            return Draw([stead], preset, input, fileNormalises,
                $"look-alikes, since the run's data can't be opened: {e.Message.TrimEnd('.')}", skipBad: false);
        }
        IImageDataset[] parts = [.. new[] { data.Test, data.Validation, data.Train }.OfType<IImageDataset>()];
        return Draw([.. parts, stead], preset, input, fileNormalises,
            parts.Sum(p => (long)p.Count) < Count ? "the run's data and look-alikes" : "the run's data", skipBad: true);
    }

    private static ParityInputs Draw(IImageDataset[] parts, TransformPreset preset, InputShape input,
        bool fileNormalises, string source, bool skipBad)
    {
        var size = input.Channels * input.Size * input.Size;
        var forModel = new float[Count * size];
        var forFile = fileNormalises ? new float[Count * size] : forModel;
        var normalised = preset.Evaluation(input);
        var plain = preset.Evaluation(input with { Mean = new float[input.Channels], Std = [.. Enumerable.Repeat(1f, input.Channels)] });
        var taken = 0;
        foreach (var part in parts)
            for (var (i, wanted) = (0, Math.Min(Count - taken, part.Count)); i < wanted; i++)
            {
                if (Read(part, (int)((long)i * part.Count / wanted), skipBad) is not { } image)
                    continue;
                var random = new SampleRandom();
                normalised.Apply(image, ref random, forModel.AsSpan(taken * size, size));
                if (fileNormalises)
                    plain.Apply(image, ref random, forFile.AsSpan(taken * size, size));
                taken++;
            }
        return new(forModel, forFile, source);
    }

    private static Image8? Read(IImageDataset part, int index, bool skipBad)
    {
        try
        {
            return part.Read(index);
        }
        catch (SchaneException) when (skipBad)                            // another image, a look-alike at last, takes its place
        {
            return null;
        }
    }

    private sealed class ImageList(IReadOnlyList<string> paths) : IImageDataset
    {
        public string Name => "images";

        public IReadOnlyList<string> Classes => ["image"];

        public int Count => paths.Count;

        public int LabelOf(int index) => 0;

        public string NameOf(int index) => paths[index];

        public Image8 Read(int index) => ImageDecoder.DecodeFile(paths[index]);
    }
}
