namespace Schane.Data;

/// <summary>Images of one's own to train on. The parts must have the same classes in the same order.</summary>
/// <param name="Train">Images to train on; read by several threads at once, in every epoch.</param>
/// <param name="Validation">Images looked at during training; null for none.</param>
/// <param name="Test">Images measured at the end; null: those of validation.</param>
/// <exception cref="SchaneException">A part has other classes.</exception>
public sealed record TrainingData(IImageDataset Train, IImageDataset? Validation = null, IImageDataset? Test = null)
{
    /// <summary>Refuses parts whose classes differ.</summary>
    internal void Check()
    {
        foreach (var part in (IImageDataset?[])[Validation, Test])
            if (part is not null && !part.Classes.SequenceEqual(Train.Classes))
                throw new SchaneException($"'{part.Name}' must have the {Train.Classes.Count} classes of '{Train.Name}' " +
                    $"in the same order but has {part.Classes.Count}.");
    }
}
