using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>What is averaged.</summary>
/// <param name="Members">Trunks of one architecture.</param>
/// <param name="Views">Views of each image, <see cref="ImageViews"/>.</param>
/// <param name="Mirrors">Whether mirrored views are among them.</param>
internal sealed record Averaging(int Members, int Views, bool Mirrors)
{
    private const string MembersKey = "members", ViewsKey = "views", MirrorKey = "mirror";

    /// <summary>The settings of a name that say it.</summary>
    public static string[] Keys => [MembersKey, ViewsKey, MirrorKey];

    /// <summary>Whether there is nothing to average.</summary>
    public bool IsNone => Members == 1 && Views == 1;

    /// <summary>As a name of the registry says it: <c>resnet18:members=3,views=4</c>.</summary>
    public static Averaging Of(VariantSettings settings)
    {
        var asked = new Averaging(settings.Whole(MembersKey, 1), settings.Whole(ViewsKey, 1), settings.Switch(MirrorKey, true));
        return asked.Views <= ImageViews.Most(asked.Mirrors) ? asked : throw new SchaneException(
            $"There are {ImageViews.Most(asked.Mirrors)} views of an image{(asked.Mirrors ? "" : " that isn't mirrored")}, but " +
            $"{asked.Views} are asked for.");
    }

    /// <summary>The name of what is averaged of a model.</summary>
    public string NameOf(string model)
    {
        string[] settings = [.. Members > 1 ? (string[])[$"{MembersKey}={Members}"] : [], .. Views > 1 ? (string[])[$"{ViewsKey}={Views}",
            .. Mirrors ? (string[])[] : [$"{MirrorKey}=off"]] : []];
        return settings.Length == 0 ? model : $"{model}{(model.Contains(':', StringComparison.Ordinal) ? ',' : ':')}" +
            string.Join(',', settings);
    }

    /// <summary>The entry of the registry.</summary>
    public Variant Of(Variant one) => one with
    {
        Info = one.Info with { EmbeddingWidth = Members * one.Info.EmbeddingWidth, HasDropPath = false },
        Build = (info, dropPath) => new AveragedBackbone(info, this,
            () => one.Build(info with { EmbeddingWidth = one.Info.EmbeddingWidth }, dropPath)),
    };
}

/// <summary>
/// Several trunks of one architecture and several views of each image as one trunk: the embedding of a view is those of the members side by
/// side, that of an image the mean over its views. A linear head on it that holds the members' heads side by side, divided by their number,
/// gives the mean of the logits over all members and views. So an ensemble is a model like any other: it is measured, calibrated,
/// exported and served as one.
/// </summary>
internal sealed class AveragedBackbone : Backbone
{
    private readonly Averaging averaging;
    private readonly TorchSharp.Modules.ModuleList<Backbone> members;

    public AveragedBackbone(BackboneInfo info, Averaging averaging, Func<Backbone> build) : base(info)
    {
        this.averaging = averaging;
        members = nn.ModuleList([.. Enumerable.Range(0, averaging.Members).Select(_ => build())]);
        if (members[0] is ITwoHeaded { HasTwoHeads: true })
            throw new SchaneException($"{info.Name} is distilled, with a second head that is not of its embedding; it can't be averaged.");
        register_module(nameof(members), members);
    }

    /// <summary>The trunks.</summary>
    public IReadOnlyList<Backbone> Members => [.. members];

    /// <summary>What is averaged.</summary>
    public Averaging Averaging => averaging;

    /// <summary>What stands before the names of a member's tensors.</summary>
    public static string PrefixOf(int member) => $"{nameof(members)}.{member}.";

    /// <summary>The embeddings.</summary>
    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        for (var view = 0; view < averaging.Views; view++)
        {
            var seen = ImageViews.Of(images, view, averaging.Mirrors);
            var embeddings = cat([.. members.Select(member => member.call(seen))], 1);
            sum = sum is null ? embeddings : sum + embeddings;
        }
        return (averaging.Views == 1 ? sum! : sum! / averaging.Views).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Pool(Tensor features) => features.alias();

    /// <summary>The members' maps of the image as it is, [members, …].</summary>
    internal override (Tensor Map, Func<Tensor, Tensor> Tail) Split(Tensor images)
    {
        var parts = members.Select(member => member.Split(images)).ToList();
        return (stack(parts.Select(part => part.Map)),
            map => cat([.. parts.Select((part, k) => members[k].Pool(part.Tail(map[k])))], 1));
    }

    /// <inheritdoc/>
    internal override Tensor? Places(Tensor map) => members[0].Places(map[0]) is null ? null
        : cat([.. members.Select((member, k) => member.Places(map[k])!)], -1);
}
