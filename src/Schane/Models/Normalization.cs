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
}
