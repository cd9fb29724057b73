using Schane.Tensors;

namespace Schane.Evaluation.Statistics;

/// <summary>95 % intervals of figures that are not a plain share of images, by a bootstrap over the test items.</summary>
/// <param name="MeanPerClass">Of <see cref="Classification.MeanPerClass"/>.</param>
/// <param name="MacroF1">Of <see cref="Classification.MacroF1"/>.</param>
/// <param name="Nll">Of <see cref="Classification.Nll"/>.</param>
/// <param name="Ece">Of <see cref="Classification.Calibration"/>.</param>
/// <remarks>
/// Items are drawn with replacement inside each class, so that a class keeps its number. Ends are 2θ − q of the draws' quantiles q
/// (the basic bootstrap, Davison and Hinkley 1997), which takes out to first order that the calibration error of a resample is
/// larger than that of the whole.
/// </remarks>
internal sealed record ItemBootstrap(Interval MeanPerClass, Interval MacroF1, Interval Nll, Interval Ece)
{
    private const int Draws = 1000, Bins = 15;
    private const double Level = 0.95;

    /// <param name="labels">Class of each item.</param>
    /// <param name="predicted">Class it was taken for.</param>
    /// <param name="confidence">Probability of that class.</param>
    /// <param name="losses">Negative log-likelihood of each item.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="seed">Of the draws.</param>
    public static ItemBootstrap Of(int[] labels, int[] predicted, double[] confidence, double[] losses, int classes, long seed = 0)
    {
        int[][] byClass = [.. Enumerable.Range(0, labels.Length).GroupBy(i => labels[i]).Select(own => own.ToArray())];
        int[] bins = [.. confidence.Select(sure => Math.Clamp((int)Math.Ceiling(sure * Bins) - 1, 0, Bins - 1))];
        var all = new double[4][];
        for (var figure = 0; figure < all.Length; figure++)
            all[figure] = new double[Draws];
        Figures Measure(Func<int[], int, int> choose)
        {
            var (right, taken, surplus) = (new int[classes], new int[classes], new double[Bins]);
            var (recall, loss) = (0.0, 0.0);
            foreach (var own in byClass)
            {
                for (var i = 0; i < own.Length; i++)
                {
                    var item = choose(own, i);
                    var hit = predicted[item] == labels[item] ? 1 : 0;
                    right[labels[item]] += hit;
                    taken[predicted[item]]++;
                    surplus[bins[item]] += hit - confidence[item];
                    loss += losses[item];
                }
                recall += (double)right[labels[own[0]]] / own.Length;
            }
            var counts = new int[classes];
            foreach (var own in byClass)
                counts[labels[own[0]]] = own.Length;
            var f1 = Enumerable.Range(0, classes).Sum(c => counts[c] + taken[c] == 0 ? 0 : 2.0 * right[c] / (counts[c] + taken[c]));
            return new(recall / byClass.Length, f1 / classes, loss / labels.Length, surplus.Sum(gap => Math.Abs(gap)) / labels.Length);
        }
        Parallel.For(0, Draws, draw =>
        {
            var random = new SampleRandom(seed, draw);
            (all[0][draw], all[1][draw], all[2][draw], all[3][draw]) = Measure((own, _) => own[random.Below(own.Length)]);
        });
        var whole = Measure((own, i) => own[i]);
        return new(Around(whole.MeanPerClass, all[0], 1), Around(whole.MacroF1, all[1], 1),
            Around(whole.Nll, all[2], double.PositiveInfinity), Around(whole.Ece, all[3], 1));

        Interval Around(double figure, double[] draws, double most)
        {
            Array.Sort(draws);
            double End(double share) => Math.Clamp(2 * figure - draws[(int)Math.Round(share * (Draws - 1))], 0, most);
            return new(figure, End((1 + Level) / 2), End((1 - Level) / 2), labels.Length, IntervalKind.Bootstrap, Level);
        }
    }

    private readonly record struct Figures(double MeanPerClass, double MacroF1, double Nll, double Ece);
}
