using Schane.Training;

namespace Schane.Jobs.Averages;

/// <summary>What several runs become.</summary>
internal enum AverageKind
{
    /// <summary>One net with the mean of their weights (Wortsman et al. 2022, arXiv:2203.05482): as fast as one run.</summary>
    Soup,

    /// <summary>All nets, whose logits are averaged: as slow as all.</summary>
    Ensemble,
}

/// <summary>How to average, and where to.</summary>
internal sealed record AverageOptions
{
    /// <summary>What becomes of several runs.</summary>
    public AverageKind Kind { get; init; } = AverageKind.Soup;

    /// <summary>Views of each image, 1 to 10, and to 5 where training mirrors nothing; 1 by default, the image as it is.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Run folder to make; null: the first run's name with what was done.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether a run that stands there is replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Folder of the named data sets.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Where to compute.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Told what is done.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }
}

/// <summary>One of the runs that were averaged.</summary>
/// <param name="Run">Its folder's name.</param>
/// <param name="Validation">Its accuracy on the validation images.</param>
/// <param name="Kept">Whether it is in the mean; a run that would make a soup worse isn't.</param>
internal sealed record AverageMember(string Run, double Validation, bool Kept);

/// <summary>What came of it.</summary>
/// <param name="Folder">The new run; null where no mean was better than the best run alone.</param>
/// <param name="Members">The runs, the best on the validation images first.</param>
/// <param name="Validation">Accuracy of the mean on the validation images.</param>
/// <param name="ValidationImages">How many these are.</param>
/// <param name="LeftOut">Validation and test images left out, since another of the runs has seen them.</param>
/// <param name="Test">Beside the best run on the same images; null where there is no part to test on.</param>
internal sealed record Averaged(string? Folder, IReadOnlyList<AverageMember> Members, double Validation, int ValidationImages, int LeftOut,
    AverageTest? Test);

/// <summary>The mean and the best run on test images.</summary>
/// <param name="Images">How many.</param>
/// <param name="Best">Accuracy of the run that is best on the validation images.</param>
/// <param name="Mean">Accuracy of the mean.</param>
/// <param name="P">Two-sided p of McNemar's exact test of their equality.</param>
internal sealed record AverageTest(int Images, double Best, double Mean, double P);
