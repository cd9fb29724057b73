using System.Text.Json.Serialization;
using Schane.Checkpoints.Hub;

namespace Schane.Runs;

/// <summary>One line of a run's journal. The same records are written by training and read by the page, so neither can know of a field that
/// the other doesn't.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event", IgnoreUnrecognizedTypeDiscriminators = true)]
[JsonDerivedType(typeof(StartEvent), "start")]
[JsonDerivedType(typeof(ProbeEvent), "probe")]
[JsonDerivedType(typeof(ResumeEvent), "resume")]
[JsonDerivedType(typeof(ProofEvent), "proof")]
[JsonDerivedType(typeof(StepEvent), "step")]
[JsonDerivedType(typeof(OverflowEvent), "overflow")]
[JsonDerivedType(typeof(SkippedEvent), "skipped")]
[JsonDerivedType(typeof(EvaluationEvent), "evaluation")]
[JsonDerivedType(typeof(WarningEvent), "warning")]
[JsonDerivedType(typeof(EndEvent), "end")]
internal record RunEvent;

/// <summary>What is about to be run, and on what: the journal's first line.</summary>
internal sealed record StartEvent : RunEvent
{
    public string? Time { get; init; }
    public string? Schane { get; init; }
    public string? Data { get; init; }
    public string? Model { get; init; }
    public string? Weights { get; init; }
    public string? WeightsRevision { get; init; }
    public IReadOnlyList<WeightsFile>? WeightsFiles { get; init; }
    public LoadedTensors? Loading { get; init; }
    public string? Loss { get; init; }
    public double? Lambda { get; init; }
    public double? Temperature { get; init; }
    public double? Beta { get; init; }
    public long? Seed { get; init; }
    public long? Parameters { get; init; }

    /// <summary>Of these, those that are trained where there are adapters; null without.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Trained { get; init; }

    public long? Classes { get; init; }
    public long? TrainImages { get; init; }
    public long? ValImages { get; init; }
    public long? TestImages { get; init; }
    public long? Steps { get; init; }
    public long? StepsPerEpoch { get; init; }
    public double? Epochs { get; init; }
    public long? Batch { get; init; }
    public long? Views { get; init; }
    public long? MicroBatch { get; init; }

    /// <summary>Which rows an anchor's negatives come from.</summary>
    public string? Negatives { get; init; }

    /// <summary>How a frozen trunk is used; null for a trunk that every step passes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Trunk { get; init; }

    /// <summary>Which rows batch normalisation sees; null for a model without it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? BatchStatistics { get; init; }

    public string? Device { get; init; }
    public long? Threads { get; init; }
    public long? Ranks { get; init; }
    public string? Engine { get; init; }
    public string? Mixing { get; init; }
    public string? Precision { get; init; }
    public string? Kernel { get; init; }
}

/// <summary>What became of the tensors of the first weights.</summary>
internal sealed record LoadedTensors(int Used, IReadOnlyList<string> Resized, IReadOnlyList<string> Reinitialised,
    IReadOnlyList<string> Ignored);

/// <summary>The linear probe that the run begins with, on the validation part; λ by cross-validation, with its accuracy there.</summary>
internal sealed record ProbeEvent : RunEvent
{
    public int Images { get; init; }
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }
    public double CrossValidated { get; init; }
    public double Lambda { get; init; }
    public double Seconds { get; init; }

    /// <summary>For people.</summary>
    public string Sentence(bool alone) => $"Linear probe after {Seconds:F0} s: top-1 " + (Images == 0
        ? $"{CrossValidated:P1} by cross-validation on the training images; "
        : $"{Metrics["top1"]:P1} on {Images} validation images (95 % interval {Metrics["top1_low"]:P1} to " +
            $"{Metrics["top1_high"]:P1}{FewImages.Words(Images)}); ") +
        $"{(alone ? "it is the run's model" : "fine-tuning begins from it")}.";
}

/// <summary>A run that was stopped goes on behind this step.</summary>
internal sealed record ResumeEvent(long Step) : RunEvent;

/// <summary>How far this machine is from float64 on the CPU in the model's passes, layer by layer, before the first step.</summary>
/// <param name="Error">Largest difference of any layer, forward or backward, as a share of its largest value; null: not looked at.</param>
/// <param name="Where">Layer and value or gradient that it is of.</param>
/// <param name="Precision">Number type of the products.</param>
/// <param name="Images">Images that passed together, after one alone.</param>
/// <param name="Pictures">Which images those were.</param>
/// <param name="Seconds">What it took.</param>
/// <param name="LeftOut">Why it was not looked at; null where it was.</param>
internal sealed record ProofEvent(double? Error, string? Where, string? Precision, long? Images, string? Pictures, double? Seconds,
    string? LeftOut) : RunEvent;

/// <summary>One optimiser step. A number is null where it has no meaning, or was not finite.</summary>
internal sealed record StepEvent : RunEvent
{
    public long Step { get; init; }

    /// <summary>Where the schedules stand after it, in planned steps; null in a run whose length is that of its steps.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Moved { get; init; }

    public int Epoch { get; init; }
    public double? Loss { get; init; }
    public double? Ce { get; init; }
    public double? Con { get; init; }
    public double? Accuracy { get; init; }
    public double? Lr { get; init; }
    public double? Lambda { get; init; }
    public double? Temperature { get; init; }
    public double? Beta { get; init; }
    public double? GradNorm { get; init; }
    public double? Classes { get; init; }
    public double? WithoutPositives { get; init; }
    public double? Positives { get; init; }
    public double? Negatives { get; init; }
    public double? EffectiveNegatives { get; init; }
    public double? PositiveSimilarity { get; init; }
    public double? NegativeSimilarity { get; init; }
    public double? HardestNegative { get; init; }
    public double? ZeroRows { get; init; }
    public double? ImagesPerSecond { get; init; }
    public double? Waiting { get; init; }
}

/// <summary>A step of fp16 training whose gradient overflowed: it was left out, and the loss scale lowered to this.</summary>
internal sealed record OverflowEvent(long Step, double LossScale) : RunEvent;

/// <summary>An image that can't be read, and how many there were up to it.</summary>
internal sealed record SkippedEvent(long Step, string Image, string Reason, int Count) : RunEvent;

/// <summary>Metrics of a part of the data (val, test) after a step; null where one is not finite.</summary>
internal sealed record EvaluationEvent(long Step, int Epoch, string? Part, IReadOnlyDictionary<string, double?>? Metrics) : RunEvent;

/// <summary>Something the user should know.</summary>
internal sealed record WarningEvent(long? Step, string Message) : RunEvent;

/// <summary>How the run ended. Waiting is the share of the steps' time that they waited for their batches.</summary>
internal sealed record EndEvent(long? Step, double? Seconds, double? Waiting, string? Reason) : RunEvent
{
    /// <summary>The step whose weights are the run's model, of a run that was trained to its end; those of a moving average count as of
    /// its last step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Kept { get; init; }
}
