using System.Diagnostics;
using Schane.Distributed;
using Schane.Models;
using Schane.Recipes;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>Evaluates the model now and then, raw and averaged weights alike; keeps the best checkpoint and knows when nothing
/// has improved for long.</summary>
internal sealed class Evaluations
{
    /// <summary>Prefix of the metrics of averaged weights.</summary>
    public const string AveragePrefix = "ema_";

    private readonly IEvaluator judge;
    private readonly Recipe recipe;
    private readonly ImageClassifier model;
    private readonly WeightAverage? average;
    private readonly Freezing freezing;
    private readonly CheckpointStore checkpoints;
    private readonly ICollective ranks;
    private readonly string metric;
    private readonly int every, steps;

    /// <exception cref="SchaneException">The recipe's metric is none of the judge's.</exception>
    public Evaluations(IEvaluator judge, Recipe recipe, ImageClassifier model, Optimization optimization, CheckpointStore checkpoints,
        ICollective ranks)
    {
        (this.judge, this.recipe, this.model, this.checkpoints, this.ranks) = (judge, recipe, model, checkpoints, ranks);
        (average, freezing, steps) = (optimization.Average, optimization.Freezing, recipe.Steps!.Value);
        metric = recipe.BestMetric;
        every = recipe.EvaluateEvery ?? Math.Max(1, steps / 10);
        var known = judge.Metrics.Concat(average is null ? [] : judge.Metrics.Select(m => AveragePrefix + m)).ToList();
        if (!known.Contains(metric))
            throw new SchaneException(
                $"best-metric must be one of {string.Join(", ", known)} but is '{metric}'{Nearest.Hint(metric, known)}.");
    }

    /// <summary>Whether the state has to be looked at.</summary>
    /// <param name="state">After a step.</param>
    /// <param name="pace">Of a run that ends with its time.</param>
    public bool AreDue(RunState state, Pace? pace) => state.Step > state.EvaluatedAt && (state.At >= steps || (state.Passed(every)
        && (pace is null || ranks.Any(ranks.Rank == 0 && pace.HasTimeToEvaluate(state)))));

    /// <summary>What the newest pass of the judge's images took.</summary>
    public TimeSpan Pass { get; private set; }

    /// <summary>Evaluations to come.</summary>
    public double Left(RunState state) => Math.Ceiling((steps - state.At) / every);

    /// <summary>Whether the recipe's patience is at its end.</summary>
    public bool GiveUp(RunState state) => recipe.Patience is { } patience && state.WithoutImprovement >= patience;

    /// <summary>One evaluation.</summary>
    /// <exception cref="OperationCanceledException">Stopped; the model is as it was.</exception>
    public RunState Run(RunState state, int epoch, RunLog log, CancellationToken stop)
    {
        var metrics = new Dictionary<string, double>(Measure(stop));
        if (average is not null)
        {
            using var averaged = average.InPlace();
            foreach (var (name, value) in Measure(stop))
                metrics[AveragePrefix + name] = value;
        }
        log.Evaluation(state.Step, epoch, judge.Part, metrics);

        state = state with { EvaluatedAt = state.Step };
        if (!IsBetter(metrics[metric], state.Best))
            return state with { WithoutImprovement = state.WithoutImprovement + 1 };
        state = state with { Best = metrics[metric], BestStep = state.Step, WithoutImprovement = 0 };
        using var _ = metric.StartsWith(AveragePrefix, StringComparison.Ordinal) ? average!.InPlace() : null;
        checkpoints.SaveBest(state, model.Changing());
        return state;
    }

    private bool IsBetter(double value, double? best) =>
        !double.IsNaN(value) && (best is not { } b || (metric.EndsWith("nll", StringComparison.Ordinal) ? value < b : value > b));

    private Dictionary<string, double> Measure(CancellationToken stop)
    {
        model.eval();
        try
        {
            using var _ = no_grad();
            var watch = Stopwatch.StartNew();
            var found = judge.Evaluate(model, stop);
            Pass = watch.Elapsed;
            using var values = tensor([.. found.Values], ScalarType.Float64);
            // what follows from them must be the same on all ranks, to the last bit
            ranks.Broadcast(values);
            return found.Keys.Zip(values.data<double>().ToArray()).ToDictionary(pair => pair.First, pair => pair.Second);
        }
        finally
        {
            freezing.TrainMode();
        }
    }
}
