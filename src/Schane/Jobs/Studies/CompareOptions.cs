using Schane.Checkpoints.Hub;
using Schane.Losses;
using Schane.Recipes;

namespace Schane.Jobs.Studies;

/// <summary>What is compared, and on which seeds.</summary>
internal sealed record CompareOptions
{
    /// <summary>Name of the arm that <see cref="DefaultArms"/> trains with cross-entropy on shuffled batches.</summary>
    public const string ShuffledCe = "ce-shuffled";

    /// <summary>At least two, plainest first: each is compared with all before it, unless <see cref="Against"/> says otherwise.</summary>
    public required IReadOnlyList<(string Name, Recipe Recipe)> Arms { get; init; }

    /// <summary>Name of the one arm that all others are compared with, as for ablations; null: each with all before it.</summary>
    public string? Against { get; init; }

    /// <summary>Folder of the comparison; a run lies in <c>ARM-sSEED</c>.</summary>
    public required string Folder { get; init; }

    /// <summary>Seeds of every arm, at least one. With <see cref="Recipe.Folds"/> K, seeds 0 … K·R − 1 are R
    /// repeats of all folds.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [.. Enumerable.Range(0, 8)];

    /// <summary>Runs at a time, each in a process of its own with its share of the cores; without <see cref="Command"/> one after
    /// another in this process, which is told.</summary>
    public int Jobs { get; init => field = Tensors.Require.AtLeast(value, 1); } = 1;

    /// <summary>Command line that starts <c>schane</c> of this version, for more than one of <see cref="Jobs"/>. It must know the losses
    /// of the arms. Null: this process makes the runs.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Where downloaded weights are kept and whether the network may be used; null for the defaults, which come
    /// from the environment.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>CE on shuffled batches, CE, SupCon (β = 0) and SCHaNe with otherwise the same settings: so that the gain of the contrastive
    /// term, the gain of hard negatives and the cost of P × K batches can be told apart.</summary>
    /// <param name="recipe">The settings they share.</param>
    public static IReadOnlyList<(string Name, Recipe Recipe)> DefaultArms(Recipe recipe) =>
    [
        (ShuffledCe, recipe with { Loss = new CrossEntropyAlone(), Lambda = null, LambdaFinal = null, Sampler = SamplerKind.Shuffled }),
        ("ce", recipe with { Loss = new CrossEntropyAlone(), Lambda = null, LambdaFinal = null }),
        ("supcon", recipe with { Loss = new SupConLoss() }),
        ("schane", recipe with { Loss = new SchaneLoss() }),
    ];

    /// <summary>An arm's name for people.</summary>
    internal static string Label(string arm) =>
        arm == ShuffledCe ? $"{new CrossEntropyAlone().Label}, shuffled batches" : LossRegistry.TryFind(arm)?.Label ?? arm;
}
