namespace Schane.Export;

/// <summary>What the graph of a trunk gives.</summary>
/// <param name="Embedding">[batch, D], after pooling and the norm that belongs to it.</param>
/// <param name="HeadInput">What the head sees: the same, or for two heads what both see side by side, [batch, 2 · D].</param>
internal sealed record Trunk(string Embedding, string HeadInput)
{
    public Trunk(string embedding) : this(embedding, embedding) { }
}
