using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Parts one after another, named 0, 1, … as in torch's Sequential; a part may have another name
/// where a checkpoint does.</summary>
internal sealed class Chain : nn.Module<Tensor, Tensor>
{
    private readonly List<nn.Module<Tensor, Tensor>> parts = [];

    public Chain(params IEnumerable<nn.Module<Tensor, Tensor>> parts) : base("Chain")
    {
        foreach (var part in parts)
            Add(part, $"{this.parts.Count}");
    }

    public IReadOnlyList<nn.Module<Tensor, Tensor>> Parts => parts;

    public Chain Add(nn.Module<Tensor, Tensor> part, string name)
    {
        parts.Add(part);
        register_module(name, part);
        return this;
    }

    public override Tensor forward(Tensor input)
    {
        if (parts.Count == 0)
            return input.alias();
        using var scope = NewDisposeScope();
        foreach (var part in parts)
            input = part.call(input);
        return input.MoveToOuterDisposeScope();
    }
}
