using Schane.Checkpoints.Hub;
using Schane.Recipes;
using Schane.Tensors;

namespace Schane.Jobs.Studies;

/// <summary>What a sweep tries, and how long.</summary>
internal sealed record SweepOptions
{
    /// <summary>One arm a loss, at least one; each gets the same number of trials.</summary>
    public required IReadOnlyList<(string Name, Recipe Recipe)> Arms { get; init; }

    /// <summary>Settings to vary, at least one.</summary>
    public required IReadOnlyList<SweepAxis> Axes { get; init; }

    /// <summary>Folder of the sweep.</summary>
    public required string Folder { get; init; }

    /// <summary>Trials of each arm, drawn at random; null: every combination of the values.</summary>
    public int? Trials { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Key of the random draws. The first N of more trials are the same trials.</summary>
    public int SearchSeed { get; init; }

    /// <summary>Runs of each trial, with the recipe's seed and those after it; their mean is the trial's figure.</summary>
    public int Seeds { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Successive halving (Jamieson and Talwalkar 2016): the share 1 in this many goes on to a run of this many times the steps.
    /// At least 2; null: every trial gets all steps.</summary>
    public int? Halving { get; init => field = value is { } v ? Require.AtLeast(v, 2) : null; }

    /// <summary>Metric of the validation part to choose by; null: top-1 accuracy, or the error of one-shot runs.</summary>
    public string? Metric { get; init; }

    /// <summary>Whether the chosen trial of each arm is measured on the test part, once, when all is chosen.</summary>
    public bool MeasuresTest { get; init; } = true;

    /// <summary>Runs at a time, each in a process of its own with its share of the cores; without <see cref="Command"/> one after
    /// another in this process, which is told.</summary>
    public int Jobs { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Command line that starts <c>schane</c> of this version, for more than one of <see cref="Jobs"/>. It must know the losses
    /// of the arms. Null: this process makes the runs.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Where downloaded weights are kept and whether the network may be used; null for the defaults, which come
    /// from the environment.</summary>
    public HubOptions? Hub { get; init; }
}
