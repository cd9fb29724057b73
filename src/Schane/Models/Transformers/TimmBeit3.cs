using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>
/// BEiT-3 as timm publishes it, a vision transformer with norms inside attention and MLP, seen as <see cref="Beit3"/> has it and
/// torchscale computes it: queries, keys and values in one tensor there, in three here; positions of class token and patches there,
/// behind two rows of padding here.
/// </summary>
internal sealed class TimmBeit3(ICheckpoint published) : ICheckpoint
{
    private const string Positions = "pos_embed", Table = "pos_embed.weight", Joined = ".attn.qkv.";
    private static readonly string[] Parts = [".attn.q_proj.", ".attn.k_proj.", ".attn.v_proj."];
    private static readonly (string Timm, string Here)[] Renamed = [(".attn.norm.", ".attn.inner_attn_ln."),
        (".attn.proj.", ".attn.out_proj.")];

    /// <summary>Whether a checkpoint has timm's names.</summary>
    public static bool Is(ICheckpoint checkpoint) => checkpoint.Names.Contains("blocks.0.attn.qkv.weight");

    public string Origin => published.Origin;

    public IReadOnlyCollection<string> Names { get; } = [.. published.Names.SelectMany(name =>
        name.Contains(Joined, StringComparison.Ordinal) ? Parts.Select(part => name.Replace(Joined, part, StringComparison.Ordinal))
        : [name == Positions ? Table : Renamed.Aggregate(name, (n, r) => n.Replace(r.Timm, r.Here, StringComparison.Ordinal))])];

    public IReadOnlyDictionary<string, string> Metadata => published.Metadata;

    public long[] ShapeOf(string name)
    {
        var (theirs, part) = Theirs(name);
        var shape = published.ShapeOf(theirs);
        if (name == Table)
            return shape is [1, var rows, var width]
                ? [rows + Beit3.FirstPosition, width] : throw Bad(theirs, shape, "[1, 1 + patches, width]");
        if (part < 0)
            return shape;
        return shape.Length > 0 && shape[0] % 3 == 0
            ? [shape[0] / 3, .. shape[1..]] : throw Bad(theirs, shape, "three times as many rows as the width");
    }

    public ScalarType TypeOf(string name) => published.TypeOf(Theirs(name).Name);

    public Tensor Read(string name)
    {
        var (theirs, part) = Theirs(name);
        if (part < 0 && name != Table)
            return published.Read(theirs);
        var shape = ShapeOf(name);
        using var scope = NewDisposeScope();
        var value = published.Read(theirs);
        return (part < 0 ? cat([zeros(Beit3.FirstPosition, shape[1], value.dtype), value.squeeze(0)])
            : value.narrow(0, part * shape[0], shape[0]).clone()).MoveToOuterDisposeScope();
    }

    public void Dispose() { }

    /// <summary>The tensors of a model under timm's names; new ones belong to the caller's dispose scope.</summary>
    public static IReadOnlyDictionary<string, Tensor> Published(IReadOnlyDictionary<string, Tensor> state)
    {
        var theirs = new Dictionary<string, Tensor>();
        foreach (var (name, tensor) in state)
        {
            if (name == Table)
                theirs.Add(Positions, tensor.narrow(0, Beit3.FirstPosition, tensor.shape[0] - Beit3.FirstPosition).unsqueeze(0));
            else if (name.Contains(Parts[0], StringComparison.Ordinal))
                theirs.Add(name.Replace(Parts[0], Joined, StringComparison.Ordinal),
                    cat([.. Parts.Select(part => state[name.Replace(Parts[0], part, StringComparison.Ordinal)])]));
            else if (!Parts.Any(part => name.Contains(part, StringComparison.Ordinal)))
                theirs.Add(Renamed.Aggregate(name, (n, r) => n.Replace(r.Here, r.Timm, StringComparison.Ordinal)), tensor);
        }
        return theirs;
    }

    /// <summary>Name in the file, and which third of it; −1 for all.</summary>
    private static (string Name, int Part) Theirs(string name)
    {
        var part = Array.FindIndex(Parts, p => name.Contains(p, StringComparison.Ordinal));
        return part >= 0 ? (name.Replace(Parts[part], Joined, StringComparison.Ordinal), part)
            : (name == Table ? Positions : Renamed.Aggregate(name, (n, r) => n.Replace(r.Here, r.Timm, StringComparison.Ordinal)), -1);
    }

    private CheckpointException Bad(string name, long[] shape, string wanted) =>
        new(Origin, $"has '{name}' with shape [{string.Join(", ", shape)}], but timm's has {wanted}.");
}
