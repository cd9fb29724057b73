using System.Text.Json.Serialization;

namespace Schane.Training;

/// <summary>Where a run stands, beside its tensors. Everything random is a pure function of the seed and the step, so this and the tensors
/// are all that going on needs.</summary>
internal sealed record RunState
{
    /// <summary>Batches taken; the sampler, the schedules and every draw follow from it.</summary>
    public long Step { get; init; }

    /// <summary>Where the schedules of a run that ends with its time stand, in planned steps; null where a step moves them by
    /// one.</summary>
    public double? Moved { get; init; }

    /// <summary>How far the last step moved the schedules.</summary>
    public double LastMove { get; init; } = 1;

    /// <summary>Seconds that the run had used when this was saved; null where its length is that of its steps.</summary>
    public double? Used { get; init; }

    /// <summary>Where the schedules stand: steps of the plan, from 0.</summary>
    [JsonIgnore]
    public double At => Moved ?? Step;

    /// <summary>The state after one more step.</summary>
    /// <param name="moved">Where it leaves the schedules of a run that ends with its time; null in others.</param>
    public RunState After(double? moved) => this with { Step = Step + 1, Moved = moved, LastMove = moved is { } to ? to - At : 1 };

    /// <summary>Whether the last step passed a multiple of so many planned steps.</summary>
    public bool Passed(double every) => Math.Floor(At / every) > Math.Floor((At - LastMove) / every);

    /// <summary>Steps of these that were skipped because something was not finite.</summary>
    public int Skipped { get; init; }

    /// <summary>Step of the newest evaluation, 0 for none.</summary>
    public long EvaluatedAt { get; init; }

    /// <summary>Best value of the chosen metric up to now; null for none.</summary>
    public double? Best { get; init; }

    /// <summary>Step of <see cref="Best"/>.</summary>
    public long BestStep { get; init; }

    /// <summary>Evaluations since then.</summary>
    public int WithoutImprovement { get; init; }
}

/// <summary>What a checkpoint belongs to. A run goes on only with the same.</summary>
/// <param name="Architecture">Model and its input.</param>
/// <param name="Classes">Count and hash of the class list.</param>
/// <param name="Data">Count and hash of the list of training images with their labels.</param>
/// <param name="Order">Hash of which image stands in which batch.</param>
internal sealed record RunIdentity(string Architecture, string Classes, string Data, string Order)
{
    public IEnumerable<(string Name, string Value)> Parts =>
        [("architecture", Architecture), ("classes", Classes), ("data", Data), ("order", Order)];

    /// <summary>Why training can't continue from a checkpoint with this metadata; null if it can.</summary>
    /// <param name="file">Name of the checkpoint.</param>
    /// <param name="metadata">Its metadata.</param>
    /// <param name="acceptChangedData">Other training images, and so another order, are tolerated.</param>
    public string? Refusal(string file, IReadOnlyDictionary<string, string> metadata, bool acceptChangedData)
    {
        string Then(string name) => metadata.GetValueOrDefault(name, "unknown");
        static string Count(string words) => words.Split(' ')[0];
        if (Then("architecture") != Architecture)
            return $"{file} is of {Then("architecture")}, but the recipe makes {Architecture}; resume with the recipe of that run.";
        if (Then("classes") != Classes)
            return $"{file} was trained on {Count(Then("classes"))} classes and the data now have " +
                $"{Count(Classes)}{(Count(Then("classes")) == Count(Classes) ? " of other names" : "")}; restore the class folders, or " +
                "start a new run.";
        if (Then("data") != Data)
            return acceptChangedData ? null
                : $"The data has changed since {file} was written: {Count(Then("data"))} training images then, " +
                    $"{Count(Data)}{(Count(Then("data")) == Count(Data) ? " others" : "")} now. Restore them, go on with " +
                    "--accept-changed-data, or start a new run.";
        return Then("order") == Order ? null : $"{file} was trained on batches in another order: sampler, batch or seed of the recipe " +
            "differ. Resume with the recipe of that run.";
    }
}
