using System.Globalization;
using System.Text.Json;

namespace Schane.Export;

/// <summary>How far an exported file is from the trained model on the same images.</summary>
/// <param name="Inputs">Images compared, at least <see cref="LeastInputs"/>.</param>
/// <param name="Source">Where they are from.</param>
/// <param name="Tolerance">Largest difference allowed, as a share of the largest absolute value.</param>
/// <param name="LargestLogit">Largest absolute logit of the trained model.</param>
/// <param name="LogitDifference">Largest absolute difference of logits.</param>
/// <param name="EmbeddingDifference">Largest absolute difference of embeddings as a share of the largest absolute value.</param>
/// <param name="Top1Agreement">Share of images for which both name the same class, 0 to 1; at least <see cref="LeastAgreement"/>.</param>
/// <param name="Runtime">What ran the file.</param>
public sealed record ParityCertificate(
    int Inputs, string Source, double Tolerance, double LargestLogit, double LogitDifference, double EmbeddingDifference,
    double Top1Agreement, string Runtime)
{
    /// <summary>Images that a certificate needs.</summary>
    public const int LeastInputs = 64;

    /// <summary>Share of images whose class must be the same.</summary>
    public const double LeastAgreement = 0.99;

    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Whether the file may replace the model. A value that is not finite never passes.</summary>
    public bool Passed =>
        LogitDifference <= Tolerance * LargestLogit && EmbeddingDifference <= Tolerance && Top1Agreement >= LeastAgreement;

    /// <summary>One sentence for people.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Passed ? "parity" : "no parity")} on {Inputs} images ({Source}): logits differ by at most {LogitDifference:0.0e0} of " +
        $"{LargestLogit:0.###} (allowed: {Tolerance:0e0} of it), embeddings by {EmbeddingDifference:0.0e0} of their largest, the class " +
        $"agrees on {Top1Agreement:0.##%}; {Runtime}");

    internal string ToJson() => JsonSerializer.Serialize(this, Format);

    /// <summary>Compares the outputs of both, [inputs, D] and [inputs, C].</summary>
    internal static ParityCertificate Of((float[] Embeddings, float[] Logits) trained, (float[] Embeddings, float[] Logits) exported,
        int inputs, string source, double tolerance, string runtime)
    {
        var classes = trained.Logits.Length / inputs;
        var agree = Enumerable.Range(0, inputs).Count(i => Best(trained.Logits, i) == Best(exported.Logits, i));
        return new(inputs, source, tolerance, Largest(trained.Logits), Difference(trained.Logits, exported.Logits),
            Difference(trained.Embeddings, exported.Embeddings) / Largest(trained.Embeddings), (double)agree / inputs, runtime);

        int Best(float[] logits, int row)
        {
            var best = 0;
            for (var c = 1; c < classes; c++)
                if (logits[row * classes + c] > logits[row * classes + best])
                    best = c;
            return best;
        }
    }

    private static double Largest(float[] values) => values.Max(v => (double)Math.Abs(v));

    private static double Difference(float[] one, float[] other) =>
        one.Length == other.Length ? one.Zip(other, (a, b) =>
            float.IsFinite(a) && float.IsFinite(b) ? Math.Abs((double)a - b) : double.PositiveInfinity).Max() : double.PositiveInfinity;
}

/// <summary>An exported file does not agree with the trained model; it was not kept.</summary>
internal sealed class ParityException : SchaneException
{
    internal ParityException(ParityCertificate certificate)
        : base($"The exported model does not agree with the trained one, so no file was left: {certificate}.") => Certificate = certificate;

    /// <summary>By how much.</summary>
    public ParityCertificate Certificate { get; }
}
