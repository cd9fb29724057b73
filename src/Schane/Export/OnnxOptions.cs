using Schane.Tensors;

namespace Schane.Export;

/// <summary>Type in which an ONNX file stores the weights of two and more dimensions. The graph computes in
/// float32, but for <see cref="Int8"/>.</summary>
public enum OnnxWeights
{
    /// <summary>As trained.</summary>
    Float32,

    /// <summary>Half the size: 11 bits of precision, values to 65,504.</summary>
    Float16,

    /// <summary>Half the size: 8 bits of precision, float32's range.</summary>
    BFloat16,

    /// <summary>About a quarter of the size: convolutions and linear layers are computed in whole numbers of 8 bits, with ranges that are
    /// taken from the run's images.</summary>
    Int8,
}

/// <summary>How a model is written as ONNX.</summary>
public sealed record OnnxOptions
{
    /// <summary>Lowest and highest <see cref="Opset"/>.</summary>
    public const int LeastOpset = 17, MostOpset = 22;

    /// <summary>Version of ONNX's operators, 17 (the default: the first with layer normalisation) to 22. From 20 on GELU is one
    /// node instead of five.</summary>
    public int Opset
    {
        get;
        init => field = value is >= LeastOpset and <= MostOpset ? value
            : throw new SchaneException($"The opset must lie between {LeastOpset} and {MostOpset} but is {value}.");
    } = LeastOpset;

    /// <summary>Type in which weights are stored. Default: float32.</summary>
    public OnnxWeights Weights { get; init; }

    /// <summary>What <see cref="OnnxWeights.Int8"/> may cost at most: the share of held-out images by which fewer may be right than in
    /// float32, 0 to 1. Where it is less than one image, one image. Default: 0.01.</summary>
    public double Int8Limit
    {
        get;
        init => field = Require.InRange(value, 0, 1);
    } = 0.01;

    /// <summary>Whether the graph takes pixels in [0, 1] and subtracts the mean and divides by the deviation itself. Default:
    /// false, the caller does.</summary>
    public bool Normalises { get; init; }

    /// <summary>Bytes of weights above which they are written to <c>FILE.data</c> beside the file, 0 to 2 GB (the default), the most that
    /// one message can hold.</summary>
    public long ExternalAbove
    {
        get;
        init => field = (long)Require.InRange(value, 0, MostInFile);
    } = MostInFile;

    private const long MostInFile = 2_000_000_000;

    internal TorchSharp.torch.ScalarType Stored => Weights switch
    {
        OnnxWeights.Float16 => TorchSharp.torch.ScalarType.Float16,
        OnnxWeights.BFloat16 => TorchSharp.torch.ScalarType.BFloat16,
        _ => TorchSharp.torch.ScalarType.Float32,
    };
}
