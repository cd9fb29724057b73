namespace Schane.Training;

/// <summary>Measures a model while it trains. Training owns this contract; Evaluation implements it.</summary>
public interface IEvaluator
{
    /// <summary>Name of the part of the data that it looks at, for the journal: <c>val</c>.</summary>
    string Part { get; }

    /// <summary>Names of the metrics; of those that end in <c>nll</c> the lowest is best, of others the highest.</summary>
    IReadOnlyList<string> Metrics { get; }

    /// <summary>Metrics by name; the model is in evaluation mode and no gradients are kept.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    IReadOnlyDictionary<string, double> Evaluate(Models.ImageClassifier model, CancellationToken cancellationToken = default);
}
