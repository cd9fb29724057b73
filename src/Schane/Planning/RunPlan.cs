using System.Diagnostics;
using Schane.Losses;
using Schane.Models;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>What a run will do and how long it should take, from a rate measured on this machine with this model.</summary>
/// <param name="InputSize">Side of the model's input in pixels.</param>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Epochs">Passes over the training images that the budget holds, as far as whole steps go; fewer than the steps make where
/// it holds less than the fewest.</param>
/// <param name="SecondsPerStep">Measured forward, loss, backward.</param>
internal sealed record RunPlan(int InputSize, int Steps, double Epochs, double SecondsPerStep)
{
    // Loading, evaluation and checkpoints take the rest of the budget.
    public const double ShareForSteps = 0.8;

    /// <summary>Epochs after which a run ends, even if its budget is not used up.</summary>
    public const int MostEpochs = 100;

    /// <summary>Epochs to begin with a larger input at, where the classifier begins at random.</summary>
    public const int EnoughEpochs = 30;

    /// <summary>Rows by which the time of a step is foreseen.</summary>
    private const int FewRows = 8;

    /// <summary>Seconds that a step may take to be timed whole.</summary>
    private const double LongStep = 0.5;

    /// <summary>
    /// The largest input size at which the budget allows enough epochs, else the smallest; then as many epochs as
    /// the budget holds, at most 100.
    /// </summary>
    /// <param name="budget">Wall time for the whole run.</param>
    /// <param name="batchesPerEpoch">Steps in an epoch.</param>
    /// <param name="inputSizes">Sizes to choose from, smallest first.</param>
    /// <param name="secondsPerStep">Measures one size.</param>
    /// <param name="besides">Time of passes that are no training, in steps.</param>
    /// <param name="enough">Epochs for which a larger input is not given up.</param>
    public static RunPlan Fit(TimeSpan budget, int batchesPerEpoch, IReadOnlyList<int> inputSizes, Func<int, double> secondsPerStep,
        double besides = 0, int enough = EnoughEpochs)
    {
        var watch = Stopwatch.StartNew();
        RunPlan At(int size)
        {
            var perStep = secondsPerStep(size);
            var held = Math.Round((budget - watch.Elapsed).TotalSeconds * ShareForSteps / perStep - besides);     // measuring takes of it
            var steps = (int)Math.Clamp(held, 2, (double)MostEpochs * batchesPerEpoch);
            return new RunPlan(size, steps, Math.Clamp(held, 0, steps) / batchesPerEpoch, perStep);
        }
        var plan = At(inputSizes[0]);
        foreach (var size in inputSizes.Skip(1).TakeWhile(_ => plan.Epochs >= enough))       // else none is worth its measurement
        {
            var larger = At(size);
            if (larger.Epochs < enough)
                break;
            plan = larger;
        }
        return plan;
    }

    /// <summary>Seconds of one training step: the median of a few with random images, after one to warm up. Where a step takes long, those
    /// are of a share of its rows, by which they are told.</summary>
    public static double Measure(Func<int, ImageClassifier> create, int inputSize, int rows, JointOptions objective, Device device)
    {
        NativeMemory.KeepFreedPages();
        using var scope = NewDisposeScope();
        using var model = create(inputSize);
        model.to(device);
        model.train();
        var joint = new JointObjective(objective);
        var few = Math.Min(rows, FewRows);
        Step(few);
        var share = SampledRows(rows, few, Step(few));
        if (share > few)
            Step(share);                                                   // memory of this size is taken for the first time
        return Enumerable.Range(0, 3).Select(_ => Step(share)).Order().ElementAt(1) * rows / share;

        double Step(int rows)
        {
            using var step = NewDisposeScope();
            var images = zeros([rows, model.Backbone.Info.Channels, inputSize, inputSize], device: device);
            var labels = (arange(rows, dtype: ScalarType.Int64, device: device) / 2).floor().to(ScalarType.Int64);
            var ours = labels.remainder(model.Classes);
            var watch = Stopwatch.StartNew();
            var (embeddings, logits) = model.Forward(images, SampleDraws.Of(rows));
            using var loss = joint.Compute(embeddings.detach(), logits.detach(), ours, 0, labels,
                objective.CrossEntropy.IsMultiLabel ? nn.functional.one_hot(ours, model.Classes).to_type(ScalarType.Float32) : null);
            logits.sum().backward();
            return watch.Elapsed.TotalSeconds;
        }
    }

    /// <summary>Rows of a step to time: all, unless that would take longer than a measurement should.</summary>
    /// <param name="rows">Of the whole step.</param>
    /// <param name="few">Rows that were timed before.</param>
    /// <param name="seconds">What these took.</param>
    internal static int SampledRows(int rows, int few, double seconds) =>
        LongStep * few / seconds is var held && held >= rows ? rows : Math.Max(few, (int)held / 2 * 2);       // two of a class
}
