using System.Collections.Immutable;

namespace Schane.Losses;

/// <summary>The losses that are known by name: the library's, and those a program adds.</summary>
public static class LossRegistry
{
    private static ImmutableArray<ContrastiveLoss> all =
        [new CrossEntropyAlone(), new SupConLoss(), new SimClrLoss(), new HclLoss(), new SchaneLoss(), new TripletLoss()];

    /// <summary>Every known loss with its default settings.</summary>
    public static IReadOnlyList<ContrastiveLoss> All => all;

    /// <summary>Names of all.</summary>
    public static IEnumerable<string> Names => all.Select(loss => loss.Name);

    /// <summary>Makes a loss known to recipes of this process, with the settings that it has. Call it before anything is trained or
    /// resumed with it.</summary>
    /// <param name="loss">Of a type or name that is not known yet. Again the same one changes nothing.</param>
    /// <exception cref="ArgumentException">The name is another loss's, or not of small letters, digits and '-'; or a setting is of a type
    /// that a recipe has no words for.</exception>
    public static void Register(ContrastiveLoss loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Name.Length == 0 || !loss.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new ArgumentException($"The name of a loss is small letters, digits and '-' but is '{loss.Name}'.", nameof(loss));
        if (loss.Settings.Values.FirstOrDefault(setting => !IsWritable(setting.PropertyType)) is { } odd)
            throw new ArgumentException($"Setting {odd.Name} of the loss {loss.Name} must be a double, int, bool, string or enum but is " +
                $"{odd.PropertyType.Name}.", nameof(loss));
        ImmutableInterlocked.Update(ref all, known =>
            known.FirstOrDefault(other => other.Name == loss.Name) is not { } same ? known.Add(loss)
            : same == loss ? known : throw Taken(loss, same));
    }

    /// <summary>The loss of a name, in any case, with its default settings.</summary>
    /// <exception cref="SchaneException">There is none; the sentence says which there are.</exception>
    public static ContrastiveLoss Find(string name) => TryFind(name)
        ?? throw new SchaneException($"There is no loss '{name}'{Nearest.Hint(name, Names)}; there are {string.Join(", ", Names)}, " +
            "and LossRegistry.Register adds one.");

    /// <summary>As <see cref="Find"/>; null where there is none.</summary>
    internal static ContrastiveLoss? TryFind(string name) =>
        all.FirstOrDefault(loss => loss.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static bool IsWritable(Type type) =>
        type.IsEnum || type == typeof(double) || type == typeof(int) || type == typeof(bool) || type == typeof(string);

    /// <summary>Refuses a loss that bears the name of another, so that a saved recipe could not mean it.</summary>
    internal static void CheckName(ContrastiveLoss loss)
    {
        if (TryFind(loss.Name) is { } known && known.GetType() != loss.GetType())
            throw Taken(loss, known);
    }

    private static ArgumentException Taken(ContrastiveLoss loss, ContrastiveLoss known) =>
        new($"The name '{loss.Name}' of {loss.GetType().Name} is that of {known.GetType().Name} already; give it another.", nameof(loss));
}
