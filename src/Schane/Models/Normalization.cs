namespace Schane.Models;

/// <summary>Published normalisation constants, for inputs in [0, 1].</summary>
internal static class Normalization
{
    /// <summary>ImageNet's mean.</summary>
    public static readonly float[] ImageNetMean = [0.485f, 0.456f, 0.406f];

    /// <summary>ImageNet's deviation.</summary>
    public static readonly float[] ImageNetStd = [0.229f, 0.224f, 0.225f];

    /// <summary>0.5 for every channel ("inception" constants).</summary>
    public static readonly float[] Halves = [0.5f, 0.5f, 0.5f];

    /// <summary>CLIP's mean.</summary>
    public static readonly float[] ClipMean = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>CLIP's deviation.</summary>
    public static readonly float[] ClipStd = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>Mean of each channel of ImageNet's mean image in ML.NET's <c>ResNetPreprocess.onnx</c>, over 255.</summary>
    public static readonly float[] MlNetMean = [0.482947572f, 0.454521107f, 0.404167153f];

    /// <summary>1/255: a net that takes images of 0 … 255.</summary>
    public static readonly float[] Bytes = [1 / 255f, 1 / 255f, 1 / 255f];
}
