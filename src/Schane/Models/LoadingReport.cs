namespace Schane.Models;

/// <summary>What happened to the tensors of a checkpoint, by name.</summary>
/// <param name="Origin">The checkpoint.</param>
/// <param name="Used">Model tensors taken as they were.</param>
/// <param name="Resized">Model tensors made to fit, with how: <c>pos_embed [1, 197, 768] → [1, 577, 768]</c>.</param>
/// <param name="Reinitialised">Model tensors that keep their initial values: the head of another data set.</param>
/// <param name="Ignored">Tensors of the checkpoint that have no place in the model: another head, the text branch of BEiT-3.</param>
public sealed record LoadingReport(
    string Origin, IReadOnlyList<string> Used, IReadOnlyList<string> Resized, IReadOnlyList<string> Reinitialised,
    IReadOnlyList<string> Ignored)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => $"{Origin}: {Used.Count} tensors used{List(Resized, "made to fit")}" +
        $"{List(Reinitialised, "begin anew")}{List(Ignored, "of the file left out")}.";

    private static string List(IReadOnlyList<string> names, string what) => names.Count == 0 ? ""
        : $", {names.Count} {what} ({string.Join(", ", names.Take(4))}{(names.Count > 4 ? ", …" : "")})";
}

/// <summary>What to do with the classifier of a checkpoint.</summary>
public enum HeadLoading
{
    /// <summary>Take it if it has the model's shape; otherwise the model keeps its new head, and the report says so.</summary>
    IfItFits,

    /// <summary>Leave it: the classes are others even if their number is the same.</summary>
    Never,

    /// <summary>It must be there and fit: a run is continued or evaluated.</summary>
    Required,
}
