using Schane.Evaluation.Drift;

namespace Schane.Reporting.Drift;

/// <summary>What tests for drift say, in words for the page and the terminal.</summary>
internal static class DriftWords
{
    /// <summary>The answer, and what it rests on or could not have seen.</summary>
    public static string Verdict(DriftReport drift)
    {
        var images = Quantity.Of(drift.Incoming, "image", "images");
        if (drift.Tests.Count == 0)
            return $"Not told: {images} beside {Quantity.Of(drift.Reference, "image", "images")} of the reference are too few, since " +
                $"{DriftReport.Least} of each are the least that can be told from chance." + (drift.Unknown is { } share
                    ? $" {share:P0} of them are unknown." : "");
        var found = drift.Tests.Where(drift.Found).ToList();
        if (found.Count == 0)
            return $"No drift was found in {images} (least adjusted p {Effect.P(drift.Tests.Min(test => test.AdjustedP))})." + Seen(drift);
        return $"Drifted: {string.Join("; ", found.Select(Difference).Distinct())} (adjusted p " +
            $"{Effect.P(found.Min(test => test.AdjustedP))}).";

        string Difference(DriftTest test) => test.Name switch
        {
            "mmd" or "classifier" => "the images look different",
            "distance" => "they lie farther from the training images",
            "unknown" => $"{drift.Unknown:P0} of them are unknown, where {drift.UnknownBefore:P0} were",
            _ => "the mix of classes has changed",
        };
    }

    /// <summary>What a test compares.</summary>
    public static string Subject(DriftTest test) => test.Name switch
    {
        "mmd" => "embeddings as a whole (MMD)",
        "classifier" => "told apart by a classifier",
        "distance" => "distance to the training images",
        "unknown" => "unknown images",
        _ => "classes answered",
    };

    /// <summary>What it found.</summary>
    public static string Found(DriftTest test, DriftReport drift) => test.Name switch
    {
        "mmd" => $"MMD² {test.Value:0.0000}",
        "classifier" => $"{test.Value:P0} of pairs told apart (50 %: none)",
        "distance" => $"farther in {test.Value:P0} of pairs (50 %: alike)",
        "unknown" => $"{drift.UnknownBefore:P1} before, {drift.Unknown:P1} now",
        _ => $"χ² {test.Value:0.0}",
    };

    private static string Seen(DriftReport drift) => drift.LeastUnknown is { } least
        ? $" So many images would show unknown ones from a share of {least:P0} on." : "";
}
