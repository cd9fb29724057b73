using Schane.Data;
using Schane.Data.Sets;
using Schane.Data.Transforms;
using Schane.Tensors;
using Schane.Verification;
using static TorchSharp.torch;

namespace Schane.Inference;

/// <summary>The images that a machine is proven with, as a model takes them.</summary>
/// <param name="Images">[n, C, H, W], normalised, on the CPU.</param>
/// <param name="Source">Which they are, for people.</param>
/// <param name="Problem">Why some are others than they should be; null where none is.</param>
internal sealed record ProofImages(Tensor Images, string Source, string? Problem)
{
    /// <summary>Images spread over a data set. Look-alikes take the place of those that can't be read or that there are
    /// too few of.</summary>
    /// <param name="data">Null for look-alikes alone.</param>
    /// <param name="preset">How images are prepared.</param>
    /// <param name="input">What the model takes.</param>
    public static ProofImages Of(IImageDataset? data, TransformPreset preset, InputShape input)
    {
        const int count = ModelProof.MostImages;
        var size = input.Channels * input.Size * input.Size;
        var pixels = new float[count * size];
        var transform = preset.Evaluation(input);
        var taken = 0;
        string? problem = null;
        if (data is not null)
            for (int i = 0, wanted = Math.Min(count, data.Count); i < wanted; i++)
                try
                {
                    Take(data.Read((int)((long)i * data.Count / wanted)));
                }
                catch (SchaneException e)
                {
                    problem ??= e.Message;
                }
        var read = taken;
        if (taken < count)
        {
            var stead = new LookalikesDataset(LookalikesPart.Test);
            for (var i = 0; taken < count; i++)
                Take(stead.Read((int)((long)i * stead.Count / count)));
        }
        return new(tensor(pixels, [count, input.Channels, input.Size, input.Size]),
            read == 0 ? "look-alikes" : read == count ? "training images" : "training images and look-alikes", problem);

        void Take(Image8 picture)
        {
            var random = new SampleRandom();
            transform.Apply(picture, ref random, pixels.AsSpan(taken * size, size));
            taken++;
        }
    }
}
