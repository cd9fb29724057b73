namespace Schane.Evaluation;

/// <summary>One test item and the answer to it: a row of a run's <c>predictions.parquet</c>.</summary>
internal sealed record PredictedItem
{
    /// <summary>Name of the image inside its data set.</summary>
    public string Image { get; set; } = "";

    /// <summary>Items of one group share their scatter and are resampled together: Omniglot's runs; elsewhere
    /// each image is its own.</summary>
    public int Group { get; set; }

    /// <summary>Name of the true class.</summary>
    public string Label { get; set; } = "";

    /// <summary>Name of the class that was answered.</summary>
    public string Predicted { get; set; } = "";

    /// <summary>The answer's probability before calibration (softmax of the logits), 0 to 1; NaN where the
    /// nearest neighbour answers.</summary>
    public double Confidence { get; set; }

    /// <summary>The answer is the true class.</summary>
    public bool Right { get; set; }

    /// <summary>Writes items, whole or not at all.</summary>
    /// <exception cref="IOException">They can't be written there.</exception>
    public static void Save(string path, IReadOnlyCollection<PredictedItem> items) => ParquetRows.Write(path, items);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="SchaneException">There is no such file, or it holds something else.</exception>
    public static IReadOnlyList<PredictedItem> Load(string path) => [.. ParquetRows.Read<PredictedItem>(path).Rows];
}
