namespace Schane.Inference;

/// <summary>An image as a model takes it: decoded, resized, normalised.</summary>
/// <param name="Name">Its name in answers and messages.</param>
/// <param name="Pixels">channels × size × size.</param>
public sealed record PreparedImage(string Name, float[] Pixels);
