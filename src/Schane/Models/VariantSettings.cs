using System.Globalization;

namespace Schane.Models;

/// <summary>
/// What a name of the registry changes behind its colon: <c>vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3,mlp=3</c>. Lists have
/// dashes between their numbers (<c>depths=2-2-6-2</c>), switches are <c>on</c> or <c>off</c>. A family asks for its own keys; what is
/// not there is the variant's own.
/// </summary>
internal sealed class VariantSettings
{
    private const int Most = 65536;

    private readonly string model;
    private readonly Dictionary<string, string> values = [];
    private readonly HashSet<string> asked = [];

    /// <param name="text">The text after the colon: <c>key=value</c> with commas between.</param>
    /// <param name="model">The name, for messages.</param>
    /// <exception cref="SchaneException">Something else, or a key twice.</exception>
    public VariantSettings(string text, string model)
    {
        this.model = model;
        foreach (var part in text.Split(','))
            if (part.Split('=') is not [{ Length: > 0 } key, { Length: > 0 } value] || !values.TryAdd(key, value))
                throw new SchaneException(
                    $"'{Printable.Short(model)}' must have settings behind its colon, each once, as in depth=6, " +
                    $"but has '{Printable.Short(part)}'.");
    }

    /// <summary>Whether there are no keys but these.</summary>
    public bool HasOnly(string[] keys) => values.Keys.All(keys.Contains);

    /// <summary>A whole number from 1 on, or from 0 where that means none.</summary>
    /// <exception cref="SchaneException">Not one.</exception>
    public int Whole(string key, int own, int least = 1) => Value(key) is { } text ? Whole(key, text, least) : own;

    /// <summary>A number above 0.</summary>
    /// <exception cref="SchaneException">Not one.</exception>
    public double Number(string key, double own) => Value(key) is { } text ? Number(key, text) : own;

    /// <summary>A number above 0, or null for <c>off</c>.</summary>
    /// <exception cref="SchaneException">Neither.</exception>
    public double? NumberOrOff(string key, double? own) => Value(key) switch { null => own, "off" => null, var text => Number(key, text) };

    /// <summary>Whole numbers above 0.</summary>
    /// <exception cref="SchaneException">Not such a list.</exception>
    public int[] List(string key, int[] own) => Value(key) is { } text ? [.. text.Split('-').Select(part => Whole(key, part, 1))] : own;

    /// <summary>A switch.</summary>
    /// <exception cref="SchaneException">Not one.</exception>
    public bool Switch(string key, bool own) =>
        Value(key) switch { null => own, "on" => true, "off" => false, var text => throw Wrong(key, "on or off", text) };

    /// <summary>One of some words.</summary>
    /// <exception cref="SchaneException">Another.</exception>
    public string Choice(string key, string own, params string[] words) =>
        Value(key) is not { } text ? own : words.Contains(text) ? text : throw Wrong(key, string.Join(" or ", words), text);

    /// <summary>Refuses what no one asked for.</summary>
    /// <exception cref="SchaneException">A key is none of the family's.</exception>
    public void RequireAllAsked()
    {
        if (values.Keys.FirstOrDefault(key => !asked.Contains(key)) is { } unknown)
            throw new SchaneException(
                $"'{Printable.Short(model)}' has no setting '{Printable.Short(unknown)}'{Nearest.Hint(unknown, asked)}; " +
                $"it has {string.Join(", ", asked)}.");
    }

    private string? Value(string key)
    {
        asked.Add(key);
        return values.GetValueOrDefault(key);
    }

    private int Whole(string key, string text, int least) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= Most ? number
            : throw Wrong(key, $"a whole number from {least} to {Most}", text);

    private double Number(string key, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= Most ? number
            : throw Wrong(key, $"a number above 0, at most {Most},", text);

    private SchaneException Wrong(string key, string rule, string text) =>
        new($"{key} of '{Printable.Short(model)}' must be {rule} but is '{Printable.Short(text)}'.");
}
