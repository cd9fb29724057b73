using System.Globalization;
using Schane.Data.Reading;
using Schane.Inference;

namespace Schane.Cli;

/// <summary>Predictions as comma-separated lines (RFC 4180).</summary>
internal static class PredictionTable
{
    public static string Header(Classifier classifier, PredictOptions wanted) => string.Join(',',
        [
            "image", "answer",
            .. Enumerable.Range(1, Math.Min(wanted.Top, classifier.Classes.Count))
                .SelectMany(k => (string[])[$"class{k}", $"probability{k}"]),
            .. wanted.Embedding ? Enumerable.Range(1, classifier.EmbeddingWidth).Select(d => $"e{d}") : [],
            "distance", "problem",
        ]);

    public static string Line(Prediction prediction, PredictOptions wanted, Classifier classifier) => string.Join(',',
        [
            TextTable.Quoted(prediction.Image),
            TextTable.Quoted(prediction is { Unknown: false, Classes: { } several } ? string.Join(';', several.Select(c => c.Class))
                : prediction.Class ?? (prediction.Withheld ? "withheld" : prediction.Unknown ? "unknown" : "")),
            .. Enumerable.Range(0, Math.Min(wanted.Top, classifier.Classes.Count)).SelectMany(k => prediction.Top.Count > k
                ? (string[])[TextTable.Quoted(prediction.Top[k].Class),
                    prediction.Top[k].Probability.ToString("0.######", CultureInfo.InvariantCulture)] : ["", ""]),
            .. wanted.Embedding ? Enumerable.Range(0, classifier.EmbeddingWidth)
                .Select(d => prediction.Embedding?[d].ToString("R", CultureInfo.InvariantCulture) ?? "") : [],
            prediction.Distance?.ToString("0.######", CultureInfo.InvariantCulture) ?? "",
            TextTable.Quoted(prediction.Problem ?? ""),
        ]);
}
