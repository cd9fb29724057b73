using System.Globalization;
using Schane.Losses;
using Schane.Recipes;
using Schane.Tensors;

namespace Schane.Jobs.Studies;

/// <summary>One setting of a recipe that a sweep varies.</summary>
internal sealed record SweepAxis
{
    /// <summary>Settings that change the task or its budget, so that figures of two values say nothing about training.</summary>
    private static readonly string[] Fixed = ["data", "labels-per-class", "folds", "seed", "steps", "epochs", "budget", "threads", "device",
        "on-bad-image", "save-every", "keep-last", "tensorboard", "exclude", "relabel", "imbalance", "group-by",
        "parts", "classes", "path-column", "label-column", "split-column",
        "max-megapixels", "no-thumbnails", "no-proof"];

    private SweepAxis()
    {
    }

    /// <summary>A key of <see cref="RecipeFile.Keys"/>.</summary>
    public required string Key { get; init; }

    /// <summary>The arm whose axis this is; null: every arm on whose loss the setting has an effect.</summary>
    public string? Arm { get; init; }

    /// <summary>The values to choose from; empty for a range.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Lower end of a range.</summary>
    public double Low { get; init; }

    /// <summary>Upper end of a range.</summary>
    public double High { get; init; }

    /// <summary>Whether a range is drawn evenly in its logarithm.</summary>
    public bool Logarithmic { get; init; }

    /// <summary>Whether it is a range, which only random trials can draw from.</summary>
    public bool IsRange => Values.Count == 0;

    /// <summary>Reads <c>[ARM:]KEY=V,V,...</c> or <c>[ARM:]KEY=LOW..HIGH[:log]</c>.</summary>
    /// <exception cref="SchaneException">It is neither, the key is no setting or not one to choose, or a value is out of range.</exception>
    public static SweepAxis Parse(string text)
    {
        if (text.Split('=', 2) is not [var name, { Length: > 0 } values])
            throw new SchaneException($"--over takes KEY=V,V,... or KEY=LOW..HIGH[:log] but is '{Printable.Escape(text)}'.");
        var (arm, key) = name.Split(':', 2) is [var before, var after] ? (before, after) : (null, name);
        if (Fixed.Contains(key))
            throw new SchaneException($"--over {key}: a sweep compares settings on one task with one budget, so it can't vary '{key}'; " +
                $"set it once with --{key}.");
        var axis = new SweepAxis { Key = key, Arm = arm };
        if (values.Split("..", 2) is [var low, var rest])
        {
            var logarithmic = rest.EndsWith(":log", StringComparison.Ordinal);
            axis = axis with { Low = Number(low), High = Number(logarithmic ? rest[..^":log".Length] : rest), Logarithmic = logarithmic };
            if (axis.Low >= axis.High || logarithmic && axis.Low <= 0)
                throw new SchaneException($"--over {key}: a range goes from a lower number to a higher " +
                    $"one{(logarithmic ? ", both above 0" : "")} but is {values}.");
        }
        else
            axis = axis with { Values = values.Split(',') };
        foreach (var value in axis.IsRange ? [Text(axis.Low), Text(axis.High)] : axis.Values)
            RecipeFile.With(new Recipe(), key, value, "--over");
        return axis;

        double Number(string word) =>
            double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
            : throw new SchaneException($"--over {key}: a range is LOW..HIGH with two numbers but is '{Printable.Escape(values)}'.");
    }

    /// <summary>A value of the axis at random; for a range, four digits of it.</summary>
    internal string Draw(ref SampleRandom random) => !IsRange ? Values[random.Below(Values.Count)]
        : Text(Logarithmic ? Math.Exp(random.Uniform(Math.Log(Low), Math.Log(High))) : random.Uniform(Low, High));

    /// <summary>Whether a setting has an effect on training with a loss.</summary>
    internal static bool Matters(string key, ContrastiveLoss loss) => LossSettings.Matters(key, loss);

    private static string Text(double number) => number.ToString("G4", CultureInfo.InvariantCulture);
}
