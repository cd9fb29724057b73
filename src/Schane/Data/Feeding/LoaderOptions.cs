using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>What happens when an image can't be read.</summary>
public enum OnBadImage
{
    /// <summary>The step fails with the sentence that names the file.</summary>
    Fail,

    /// <summary>The image is left out of its batch and listed in <see cref="BatchLoader.BadImages"/>.</summary>
    Skip,
}

/// <summary>Settings of <see cref="BatchLoader"/>.</summary>
internal sealed record LoaderOptions
{
    /// <summary>Key of every augmentation, with epoch, index and view.</summary>
    public long Seed { get; init; }

    /// <summary>How many augmented views of each image a batch holds, 1 by default.</summary>
    public int Views { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Threads that decode and augment; they change no value. 1 by default.</summary>
    public int Workers { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>How many batches may be ready or in the making before the workers wait. 4 by default.</summary>
    public int Prefetch { get; init => field = Require.AtLeast(value, 1); } = 4;

    /// <summary><see cref="OnBadImage.Fail"/> by default.</summary>
    public OnBadImage OnBadImage { get; init; }

    /// <summary>This process's number: it takes its <see cref="RankShare"/> of every batch of the one global order. 0 by default.</summary>
    public int Rank { get; init => field = Require.AtLeast(value, 0); }

    /// <summary>Into how many shares every batch is cut. 1 by default.</summary>
    public int Ranks { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Images that no share divides: the group that mixing draws from
    /// (<see cref="MixOptions.GroupSize"/>). 1 by default.</summary>
    public int ShareUnit { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Whether images may have several classes, so that batches have <see cref="Batch.Targets"/>. False by default.</summary>
    public bool MultiLabel { get; init; }

    /// <summary>Whether images lie in page-locked memory, for copies to a GPU. False by default.</summary>
    public bool PinMemory { get; init; }

    /// <summary>Whether images wait as bytes and are normalised where they are used, by <see cref="Batch.Normalised"/>: a quarter of the
    /// memory. For an <see cref="Transforms.ImagePipeline"/> alone; other transforms give floats. False by default.</summary>
    public bool KeepBytes { get; init; }
}
