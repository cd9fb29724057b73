using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>
/// DINOv2 with registers as Meta publishes it, seen as timm stores it: registers under another name, and the class token's position, row 0
/// of the table, added to the token itself, since with registers timm keeps positions for patches alone.
/// </summary>
internal sealed class MetaRegisters(ICheckpoint published) : ICheckpoint
{
    /// <summary>Meta's name of the registers.</summary>
    public const string Token = "register_tokens";

    private const string Class = "cls_token", Positions = "pos_embed", Registers = "reg_token";

    public string Origin => published.Origin;

    public IReadOnlyCollection<string> Names { get; } = [.. published.Names.Select(name => name == Token ? Registers : name)];

    public IReadOnlyDictionary<string, string> Metadata => published.Metadata;

    public long[] ShapeOf(string name) => published.ShapeOf(Theirs(name)) is [var one, var rows, var width] && name == Positions
        ? [one, rows - 1, width] : published.ShapeOf(Theirs(name));

    public ScalarType TypeOf(string name) => published.TypeOf(Theirs(name));

    public Tensor Read(string name)
    {
        if (name is not (Class or Positions))
            return published.Read(Theirs(name));
        using var scope = NewDisposeScope();
        var positions = published.Read(Positions);                        // [1, 1 + patches, D]
        if (positions.dim() != 3 || positions.shape[1] < 2)
            throw new CheckpointException(Origin, $"has positions of shape [{string.Join(", ", positions.shape)}], but those of a class " +
                "token and patches are [1, 1 + patches, width].");
        return (name == Positions ? positions.narrow(1, 1, positions.shape[1] - 1).contiguous()
            : published.Read(Class) + positions.narrow(1, 0, 1)).MoveToOuterDisposeScope();
    }

    public void Dispose() { }

    private static string Theirs(string name) => name == Registers ? Token : name;
}
