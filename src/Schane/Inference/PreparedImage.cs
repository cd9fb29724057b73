namespace Schane.Inference;

/// <summary>A picture as a model takes it: decoded, resized, normalised.</summary>
/// <param name="Name">What answers and errors call it.</param>
/// <param name="Pixels">channels × size × size.</param>
public sealed record PreparedImage(string Name, float[] Pixels);
