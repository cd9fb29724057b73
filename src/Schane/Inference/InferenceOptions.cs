using Microsoft.Extensions.Logging;
using Schane.Data.Reading;

namespace Schane.Inference;

/// <summary>How a <see cref="Classifier"/> works.</summary>
public sealed record InferenceOptions
{
    /// <summary>The settings used where none are given.</summary>
    public static InferenceOptions Default { get; } = new();

    /// <summary>Where to compute: <c>cpu</c> (the default), <c>cuda</c> or <c>cuda:N</c>. An ONNX file is
    /// computed on the processor.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Images that are read at once of many files, 32 by default; no answer depends on it.</summary>
    public int Batch { get; init => field = Tensors.Require.AtLeast(value, 1); } = 32;

    /// <summary>What an image may ask for before it is refused undecoded.</summary>
    public ImageLimits Limits { get; init; } = ImageLimits.Default;

    /// <summary>
    /// Whether loading proves that this machine computes the model as float64 says, where that is not remembered in the cache folder
    /// ($SCHANE_CACHE). True by default. ONNX files are not proven.
    /// </summary>
    public bool Prove { get; init; } = true;

    /// <summary>
    /// Whether ONNX Runtime computes a run's model on the processor where it is faster than libtorch, from a copy in the cache folder. The
    /// first load of a run makes the copy, compares it with libtorch to 1e-4 of the largest value and times both. True by default; a
    /// model that is not proven (<see cref="Prove"/>) is libtorch's alone.
    /// </summary>
    public bool UseOnnxRuntime { get; init; } = true;

    /// <summary>Receives what is loaded and which images are skipped; null for none.</summary>
    public ILogger? Logger { get; init; }
}
