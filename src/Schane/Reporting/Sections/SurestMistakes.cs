using Schane.Evaluation;

namespace Schane.Reporting.Sections;

/// <summary>The wrong answers that a model was surest of.</summary>
internal static class SurestMistakes
{
    /// <summary>Mistakes in which one class is taken for the same other, at most.</summary>
    public const int OfOneKind = 3;

    /// <summary>Of items with their answers the wrong ones, the surest first.</summary>
    public static IEnumerable<T> Of<T>(IEnumerable<T> items, Func<T, PredictedItem?> answer, int most) => items
        .Where(item => answer(item) is { Right: false } wrong && double.IsFinite(wrong.Confidence))
        .GroupBy(item => (answer(item)!.Label, answer(item)!.Predicted))
        .SelectMany(kind => kind.OrderByDescending(item => answer(item)!.Confidence).Take(OfOneKind))
        .OrderByDescending(item => answer(item)!.Confidence).Take(most);
}
