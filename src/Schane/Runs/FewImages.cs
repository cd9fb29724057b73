namespace Schane.Runs;

/// <summary>What is said of a choice or a figure that rests on too few images to rely on it.</summary>
internal static class FewImages
{
    /// <summary>From so many on nothing is said.</summary>
    public const int Enough = 30;

    /// <summary>The words behind what rests on so many images, with a comma before them; empty where they are enough.</summary>
    public static string Words(int images) =>
        images >= Enough ? "" : $", which rests on {images} {(images == 1 ? "image" : "images")} only";
}
