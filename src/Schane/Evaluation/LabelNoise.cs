namespace Schane.Evaluation;

// n items, C classes, logits of models that have not been trained on the item.

/// <summary>
/// How many labels are wrong, by what out-of-fold models say: the given label is the true one with probability 1 − e and any of the others
/// with e / (C − 1), and the true one is of the distribution softmax(logits / T). T and e are the likeliest together, so that what a model
/// is sure of and the label denies counts against the label and not against the model, but only as far as the model is seldom denied.
/// </summary>
/// <remarks>e has the prior Beta(2, 20), whose mode is 5 %: few labels can't make many wrong.</remarks>
/// <param name="Temperature">T, 0.05 to 20.</param>
/// <param name="Rate">e, the share of labels that are wrong, 0 to 1.</param>
/// <param name="Wrong">[n] probability that an item's label is wrong.</param>
internal sealed record LabelNoise(double Temperature, double Rate, IReadOnlyList<double> Wrong)
{
    private const double LeastTemperature = 0.05, MostTemperature = 20;
    private const int Temperatures = 61, MostSteps = 200;
    private const double PriorWrong = 2, PriorRight = 20;

    /// <summary>Wrong labels to be expected among the items, rounded up.</summary>
    public int Expected => (int)Math.Ceiling(Wrong.Sum() - 1e-9);

    /// <summary>Fits T on a grid of 61 steps by a factor, and e for each by expectation and maximisation.</summary>
    /// <param name="logits">[n][C], C at least 2.</param>
    /// <param name="labels">[n].</param>
    public static LabelNoise Fit(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels)
    {
        var (best, likeliest) = (default(LabelNoise), double.NegativeInfinity);
        for (var step = 0; step < Temperatures; step++)
        {
            var temperature = LeastTemperature * Math.Pow(MostTemperature / LeastTemperature, step / (Temperatures - 1.0));
            double[] own = [.. labels.Select((label, i) => ProbabilityOf(logits[i], label, temperature))];
            var (rate, wrong, likelihood) = At(own, logits[0].Length - 1);
            if (likelihood > likeliest)
                (best, likeliest) = (new(temperature, rate, wrong), likelihood);
        }
        return best!;
    }

    /// <summary>The likeliest e, and what it says of each item, where the models give the labels these probabilities.</summary>
    private static (double Rate, double[] Wrong, double Likelihood) At(double[] own, int others)
    {
        var (rate, wrong) = ((PriorWrong - 1) / (PriorWrong + PriorRight - 2), new double[own.Length]);
        for (var step = 0; step < MostSteps; step++)
        {
            for (var i = 0; i < own.Length; i++)
                wrong[i] = rate * (1 - own[i]) / others / (rate * (1 - own[i]) / others + (1 - rate) * own[i]);
            var next = (wrong.Sum() + PriorWrong - 1) / (own.Length + PriorWrong + PriorRight - 2);
            if (Math.Abs(next - rate) < 1e-9)
                break;
            rate = next;
        }
        return (rate, wrong, (PriorWrong - 1) * Math.Log(rate) + (PriorRight - 1) * Math.Log(1 - rate)
            + own.Sum(p => Math.Log((1 - rate) * p + rate * (1 - p) / others)));
    }

    private static double ProbabilityOf(float[] logits, int label, double temperature)
    {
        var (greatest, sum) = (logits.Max(), 0.0);
        foreach (var logit in logits)
            sum += Math.Exp((logit - greatest) / temperature);
        return Math.Exp((logits[label] - greatest) / temperature) / sum;
    }
}
