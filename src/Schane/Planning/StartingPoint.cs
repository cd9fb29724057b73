using Schane.Checkpoints.Hub;
using Schane.Models;
using Schane.Training;

namespace Schane.Planning;

/// <summary>
/// What images of one's own start from where neither a model nor weights are named: the largest net whose weights are on this
/// machine and that the budget can train; else the ResNet whose weights a restore brings, fetched if need be; and the tiny net
/// only where there is nothing else.
/// </summary>
/// <param name="Model">A model of the registry.</param>
/// <param name="Weights">Its weights, as a recipe names them.</param>
/// <param name="Why">The choice in a sentence.</param>
internal sealed record StartingPoint(string Model, string Weights, string Why)
{
    /// <summary>Environment variable with the model that is taken where none is named.</summary>
    public const string Variable = "SCHANE_MODEL";

    /// <summary>The model of what needs no weights from elsewhere.</summary>
    public const string Tiny = "schane_tiny";

    private const string Usual = "resnet20_cntk", Stronger = "vit_small_patch16_224";

    /// <summary>Passes over the training images that a budget must hold for a net to be taken at its own input size.</summary>
    private const int Passes = 10;

    /// <summary>Chooses, and fetches what has to be fetched.</summary>
    /// <param name="hub">Where downloads are kept and whether the network may be used; null for the defaults.</param>
    /// <param name="training">Budget and number of training images; null where the budget decides nothing.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="stop">Stops a download.</param>
    public static StartingPoint Choose(
        HubOptions? hub, (TimeSpan Budget, int Images)? training, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return new(ModelRegistry.InfoOf(named).Name, WeightsOf(named), $"Starting from {named}, which ${Variable} names.");

        using var weights = new WeightsHub(hub);
        List<BackboneInfo> here = [.. ModelRegistry.Names.Where(name => name != Tiny).Select(ModelRegistry.InfoOf)
            .Where(m => EmbeddedWeights.Exist(m.Name) || (m.Weights is { } published && weights.AreHere(published)))];
        var rate = training is null ? null : MachineRate.Of(hub);
        TimeSpan TimeOf(string model) =>
            TimeSpan.FromSeconds((double)Passes * training!.Value.Images / rate!.ImagesPerSecond(CostOf(model)));

        var chosen = (training is { } limit ? here.Where(m => TimeOf(m.Name) <= limit.Budget).MaxBy(m => CostOf(m.Name)) : null)
            ?? here.Find(m => m.Name == Usual);
        var failure = "";
        if (chosen is null && hub is not { Offline: true })
            chosen = Fetch(hub, progress, out failure, stop);
        chosen ??= here.MinBy(m => CostOf(m.Name));
        if (chosen is null)
            return new(Tiny, EmbeddedWeights.Name, $"Starting from {Tiny}, which was trained on drawn shapes, since there are no other " +
                $"weights on this machine{failure}; `schane models fetch {Usual} --out FILE` brings some on a machine with a network.");
        var hint = training is not null && CostOf(chosen.Name) < CostOf(Stronger) && hub is not { Offline: true }
            ? $"; --model {Stronger} --weights {InitialWeights.Published} would take about {MeasuredChoices.Spoken(TimeOf(Stronger))} " +
                $"for {Passes} epochs" : "";
        return new(chosen.Name, WeightsOf(chosen.Name), $"Starting from {chosen.Name}: {Origin(chosen)}{hint}.");
    }

    /// <summary>Weights of a model where none are named: those that come with the program, else the published ones.</summary>
    public static string WeightsOf(string model) =>
        EmbeddedWeights.Exist(ModelRegistry.InfoOf(model).Name) ? EmbeddedWeights.Name : InitialWeights.Published;

    private static BackboneInfo? Fetch(HubOptions? hub, IProgress<TrainingProgress>? progress, out string failure, CancellationToken stop)
    {
        failure = "";
        try
        {
            InitialWeights.Find(InitialWeights.Published, Usual, hub, progress, stop);
            return ModelRegistry.InfoOf(Usual);
        }
        catch (Exception e) when (e is SchaneException or DownloadException)
        {
            failure = $" and none can be fetched ({e.Message.TrimEnd('.')})";
            return null;
        }
    }

    private static string Origin(BackboneInfo info) => EmbeddedWeights.Exist(info.Name) ? "weights that came with the program"
        : $"{(info.Name == Usual ? "ImageNet weights" : "published weights")} from " +
            $"{(info.Weights!.StartsWith("nuget:", StringComparison.Ordinal) ? "NuGet" : "the Hugging Face hub")}, licence " +
            $"{info.WeightsLicense}";

    private static long CostOf(string model) => ModelRegistry.CostOf(model).MultiplyAdds;
}
