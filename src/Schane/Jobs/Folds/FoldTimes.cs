namespace Schane.Jobs.Folds;

/// <summary>Shares a budget out among folds and the run itself, by what is left of it: on a machine that gets busy or free each has as much
/// time as the others. Folds that don't fit in beside the run are left out, all but two.</summary>
/// <param name="budget">Time of all together.</param>
/// <param name="folds">How many folds are wanted.</param>
internal sealed class FoldTimes(TimeSpan budget, int folds)
{
    /// <summary>Fewer can't choose a temperature for each other.</summary>
    private const int Fewest = 2;

    /// <summary>The least budget that a recipe may have, in seconds.</summary>
    private const double LeastShare = 5;

    private int done;
    private TimeSpan shortest = TimeSpan.Zero;

    /// <summary>Time that the folds took which are done.</summary>
    public TimeSpan Used { get; private set; }

    /// <summary>Time of the next fold.</summary>
    public TimeSpan Share => TimeSpan.FromSeconds(Math.Max(LeastShare,
        Math.Round((budget - Used).TotalSeconds / (folds - done + 1), 1)));

    /// <summary>Whether one more fold and the run don't fit into what is left.</summary>
    public bool IsUp => done >= Fewest && budget - Used < 2 * shortest;

    /// <summary>Counts a fold that is done. One that took more than its share could not take less.</summary>
    public void Took(TimeSpan time)
    {
        if (time > Share)
            shortest = shortest == TimeSpan.Zero || time < shortest ? time : shortest;
        Used += time;
        done++;
    }
}
