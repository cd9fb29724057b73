namespace Schane.Tests.Generated;

/// <summary>
/// Golden folders of random configurations in the format of the shared one, with values from slow float64 oracles: the golden tests run on
/// one of them beside the copy of the peers' own values, so that no value of that copy can stand in the product or in a test unnoticed.
/// </summary>
internal static class GeneratedFolder
{
    private static readonly Lazy<string> One = new(() => Make(seed: 1));

    /// <summary>The folder of seed 1, made on first use and deleted with the process.</summary>
    public static string First => One.Value;

    public static string Make(int seed)
    {
        var folder = Directory.CreateTempSubdirectory("schane-golden-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        new ModelCases(seed, Path.Combine(folder, "models")).Write();
        new OptimCases(seed, Path.Combine(folder, "optim")).Write();
        new DecayCases(seed, Path.Combine(folder, "optim")).Write();
        new TransformCases(seed, Path.Combine(folder, "transforms")).Write();
        new FewShotCases(seed, Path.Combine(folder, "fewshot")).Write();
        new LossCases(seed, Path.Combine(folder, "losses")).Write();
        new MetricCases(seed, Path.Combine(folder, "metrics")).Write();
        return folder;
    }
}
