namespace Schane.Tests.Support;

/// <summary>Where reference values lie: the copy beside the tests and, if set, the folder that SCHANE_GOLDEN names.</summary>
internal static class GoldenFolder
{
    public static IEnumerable<TheoryDataRow<string>> Of(string part)
    {
        yield return Path.Combine(AppContext.BaseDirectory, "Golden", part);
        if (Environment.GetEnvironmentVariable("SCHANE_GOLDEN") is { Length: > 0 } folder)
            yield return Path.Combine(folder, part);
    }
}
