using System.Collections.Immutable;

namespace Schane.Data.Transforms;

/// <summary>A named pair of transforms, one for training and one for evaluation, made to a model's input.</summary>
public sealed class TransformPreset
{
    private readonly Func<int, ImageStep[]> training, evaluation;

    /// <summary>A pair of one's own, for <see cref="Register"/>. Both end at the input's size.</summary>
    /// <param name="name">For recipes: small letters, digits and '-'.</param>
    /// <param name="summary">What it does, in a line.</param>
    /// <param name="training">The steps in training, for a side of the input in pixels.</param>
    /// <param name="evaluation">The steps in evaluation, which draw no random numbers.</param>
    public TransformPreset(string name, string summary, Func<int, ImageStep[]> training, Func<int, ImageStep[]> evaluation) =>
        (Name, Summary, this.training, this.evaluation) = (name, summary, training, evaluation);

    /// <summary>Every preset there is: the library's, and those a program adds.</summary>
    public static IReadOnlyList<TransformPreset> All => all;

    private static ImmutableArray<TransformPreset> all =
    [
        new("none", "no augmentation: resize and crop the middle", Middle, Middle),
        new("light", "crops of at least half the area, mirrored; a little brightness and contrast",
            size => [new RandomResizedCrop(size) { MinArea = 0.5 }, new HorizontalFlip(), new ColorJitter(0.2, 0.2, 0.1, 0)], Middle),
        new("standard", "crops of at least 8 % of the area, mirrored (ResNet's own)",
            size => [new RandomResizedCrop(size), new HorizontalFlip()], Middle),
        new("randaugment", "crops of at least 8 %, mirrored, RandAugment with two operations at level 9",
            size => [new RandomResizedCrop(size), new HorizontalFlip(), new RandAugment()], Middle),
        new("trivialaugment", "crops of at least 8 %, mirrored, TrivialAugment, a box painted over one time in four",
            size => [new RandomResizedCrop(size), new HorizontalFlip(), new TrivialAugment(), new RandomErasing()], Middle),
        new("beit3-finetune", "crops of at least half the area, mirrored, RandAugment with two operations at level 9, a box painted over " +
            "one time in four (Wang et al. 2022); evaluated whole",
            size => [new RandomResizedCrop(size) { MinArea = 0.5 }, new HorizontalFlip(),
                new RandAugment { Bilinear = true }, new RandomErasing()],
            size => [new Resize(size) { Square = true }]),
        new("simclr", "crops of at least 8 %, mirrored, strong colour jitter, one in five gray, half of them blurred (Chen et al. 2020)",
            size => [new RandomResizedCrop(size), new HorizontalFlip(),
                new ColorJitter(0.8, 0.8, 0.8, 0.2) { Probability = 0.8 }, new RandomGrayscale(),
                new GaussianBlur(Math.Max(3, size / 10 | 1))], Middle),
        new("supcon", "crops of at least 20 %, mirrored, strong colour jitter, one in five gray (Khosla et al. 2020)",
            size => [new RandomResizedCrop(size) { MinArea = 0.2 }, new HorizontalFlip(),
                new ColorJitter(0.4, 0.4, 0.4, 0.1) { Probability = 0.8 }, new RandomGrayscale()], Middle),
        new("supcon-cifar",
            "as supcon, for images that are as small as the input, which are evaluated whole (SupContrast's CIFAR settings)",
            size => [new RandomResizedCrop(size) { MinArea = 0.2 }, new HorizontalFlip(),
                new ColorJitter(0.4, 0.4, 0.4, 0.1) { Probability = 0.8 }, new RandomGrayscale()],
            size => [new Resize(size) { Square = true }]),
        new("omniglot", "turn, scale, slant, shift and elastic distortion of drawings on black",
            size => [new Warp(size)], Squash),
        new("omniglot-light", "a small turn, scale and shift of drawings: for test-time averaging",
            size => [new Warp(size) { MaxRotation = 5, MinScale = 0.95, MaxScale = 1.05, MaxShear = 3, MaxShift = 0.03, Elastic = 0.008 }],
            Squash),
    ];

    /// <summary>Name for the command line and recipes.</summary>
    public string Name { get; }

    /// <summary>What it does, in a line.</summary>
    public string Summary { get; }

    /// <summary>Makes a preset known to recipes (<c>augmentation: NAME</c>) and saved models of this process. Call it before anything is
    /// trained, resumed or loaded with it: a run folder keeps the name, not the steps.</summary>
    /// <param name="preset">Of a name that is not known yet. Again the same one changes nothing.</param>
    /// <exception cref="ArgumentException">The name is another preset's, or not of small letters, digits and '-'; or the steps don't end
    /// at the size of the input.</exception>
    public static void Register(TransformPreset preset)
    {
        ArgumentNullException.ThrowIfNull(preset);
        if (preset.Name.Length == 0 || !preset.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new ArgumentException($"The name of transforms is small letters, digits and '-' but is '{preset.Name}'.",
                nameof(preset));
        var probe = new InputShape(1, 32, [0.5f], [0.5f]);
        _ = (preset.Training(probe), preset.Evaluation(probe));
        ImmutableInterlocked.Update(ref all, known => known.FirstOrDefault(other => other.Name == preset.Name) is not { } same
            ? known.Add(preset) : same == preset ? known
            : throw new ArgumentException($"The name '{preset.Name}' is that of other transforms already; choose another.",
                nameof(preset)));
    }

    /// <summary>The preset of a name.</summary>
    /// <exception cref="SchaneException">There is none; the message lists them.</exception>
    public static TransformPreset Find(string name) =>
        All.FirstOrDefault(p => p.Name == name)
        ?? throw new SchaneException(
            $"There are no transforms '{Printable.Escape(name)}'; there are {string.Join(", ", All.Select(p => p.Name))}, " +
            "and TransformPreset.Register adds one.");

    /// <summary>Whether training mirrors images, so that a mirrored one is of the same class.</summary>
    internal bool Mirrors => training(64).Any(step => step is HorizontalFlip);

    /// <summary>Transform for training.</summary>
    public ImagePipeline Training(InputShape input) => new(input, training(input.Size));

    /// <summary>Transform for evaluation; draws no random numbers.</summary>
    public ImagePipeline Evaluation(InputShape input) => new(input, evaluation(input.Size));

    // The customary 224 out of 256.
    private static ImageStep[] Middle(int size) => [new Resize((int)Math.Round(size / 0.875)), new CenterCrop(size)];

    private static ImageStep[] Squash(int size) => [new Resize(size) { Square = true, Interpolation = Interpolation.Bilinear }];
}
